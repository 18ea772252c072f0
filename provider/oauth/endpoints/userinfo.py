"""The userinfo endpoint: claims for an access token (OIDC Core section 5.3, RFC 6750)."""

from starlette.responses import Response

from provider.oauth.checks import Checks
from provider.oauth.errors import InvalidTokenError
from provider.oauth.http.bearer import require_person
from provider.oauth.http.cross_origin import cross_origin
from provider.oauth.http.interactions import begin_interaction, return_interaction_id
from provider.oauth.http.refused import NO_STORE, quick_endpoint
from provider.oauth.http.server import server_of
from provider.oauth.scopes import OPENID
from provider.oauth.tokens.userinfo import make_userinfo_jwt, userinfo_claims
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
    interaction_id = return_interaction_id(call)
    checks, server = Checks("userinfo"), server_of(call)
    token, grant, person = require_person(call, checks, OPENID)
    if interaction_id is None and token.confirmation is not None:
        begin_interaction(call)
    client = checks.found(
        server.clients.find(call.work, grant.client_id),
        "The client of the access token exists",
        section="RFC 6750 section 3.1",
        error=InvalidTokenError,
        description="The access token is invalid, expired or revoked",
        expected="a registered client",
        got="a client that was deleted a moment ago",
        fix="Register the client again, and send the user to sign in again.",
    )
    claims = userinfo_claims(call.work, server, client, token, grant=grant, person=person)
    jwt = make_userinfo_jwt(call.work, server, client, claims)
    if jwt is not None:
        return Response(jwt, media_type=MEDIA_TYPE, headers=NO_STORE)
    return JsonResponse(claims, headers=NO_STORE)
