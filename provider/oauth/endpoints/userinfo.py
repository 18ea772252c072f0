"""The userinfo endpoint: claims for an access token (OIDC Core section 5.3, RFC 6750)."""

from starlette.responses import Response

from provider.oauth.checks import Checks
from provider.oauth.http.bearer import require_person
from provider.oauth.http.cross_origin import cross_origin
from provider.oauth.http.interactions import REQUESTED, begin_interaction, return_interaction_id
from provider.oauth.http.refused import NO_STORE, quick_endpoint
from provider.oauth.http.server import server_of
from provider.oauth.scopes import OPENID
from provider.oauth.tokens.userinfo_jwts import make_userinfo_jwt, userinfo_claims
from provider.web.call import Call
from provider.web.json_responses import JsonResponse

MEDIA_TYPE = "application/jwt"


@quick_endpoint
@cross_origin
def userinfo(call: Call) -> Response:
    """Answer userinfo requests: GET or POST /oauth2/userinfo.

    Returns `sub` and the claims that the token's scope and the claims parameter release. The format is JSON, or a JWT
    for a client registered for one. A request with an interaction ID, or with a bound token, gets one back.
    """
    sent = call.headers.lines(REQUESTED)
    has_id = sent != [] and return_interaction_id(call, sent[0])
    live, grant, person = require_person(call, Checks("userinfo"), OPENID)
    if not has_id and live.confirmation is not None:
        begin_interaction(call)
    claims = userinfo_claims(call.work, server_of(call), live, grant, person)
    jwt = make_userinfo_jwt(call.work, server_of(call), client_id=grant.client_id, claims=claims)
    if jwt is not None:
        return Response(jwt, media_type=MEDIA_TYPE, headers=NO_STORE)
    return JsonResponse(claims, headers=NO_STORE)
