"""Claims for an access token (OIDC Core section 5.3, RFC 6750)."""

from starlette.responses import JSONResponse, Response

from provider.oauth.bearer import require_person
from provider.oauth.checks import Checks
from provider.oauth.claims import claims_of, names_for
from provider.oauth.refused import NO_STORE, protocol_endpoint
from provider.oauth.scopes import OPENID
from provider.web.endpoint import Call


@protocol_endpoint
def userinfo(call: Call) -> Response:
    """GET or POST /oauth2/userinfo: `sub`, and what the token's scope and the claims parameter release."""
    live, grant, person = require_person(call, Checks("userinfo"), OPENID)
    names = names_for(live.scope, grant.claims.get("userinfo", ()))
    claims = claims_of(person, names, client_id=grant.client_id)
    return JSONResponse({**claims, "sub": grant.user_id}, headers=NO_STORE)
