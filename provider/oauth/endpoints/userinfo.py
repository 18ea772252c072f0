"""Claims for an access token (OIDC Core section 5.3, RFC 6750)."""

from starlette.responses import JSONResponse, Response

from provider.oauth.checks import Checks
from provider.oauth.claims import claims_of, names_for
from provider.oauth.errors import InsufficientScopeError, InvalidRequestError, InvalidTokenError
from provider.oauth.refused import NO_STORE, protocol_endpoint
from provider.oauth.scopes import OPENID
from provider.oauth.tokens import DeadToken, LiveToken, read_access_token
from provider.web.endpoint import Call


@protocol_endpoint
def userinfo(call: Call) -> Response:
    """GET or POST /oauth2/userinfo: `sub`, and what the token's scope and the claims parameter release."""
    live = _require_token(call, Checks("userinfo"))
    assert live.grant is not None  # noqa: S101  # openid is never in a client's own token
    assert live.person is not None  # noqa: S101
    names = names_for(live.scope, live.grant.claims.get("userinfo", ()))
    return JSONResponse({**claims_of(live.person, names), "sub": live.grant.user_id}, headers=NO_STORE)


def _require_token(call: Call, checks: Checks) -> LiveToken:
    token = bearer_token(call, checks)
    live: LiveToken | None = None
    problem = "a live access token"
    try:
        live = read_access_token(call.work, call.seams.oauth, token, with_person=True)
        checks.client_id = str(live.claims["client_id"])
    except DeadToken as dead:
        problem = str(dead)
    checks.require(
        live is not None,
        "The access token is live",
        section="RFC 6750 section 3.1",
        error=InvalidTokenError,
        description="The access token is not valid",
        got=problem,
    )
    assert live is not None  # noqa: S101  # just required
    checks.require(
        OPENID in live.scope and live.grant is not None,
        "The token was issued for openid, to act for a person",
        section="OIDC Core section 5.3.1",
        error=InsufficientScopeError,
        description="The token was not issued for the scope openid",
        expected=OPENID,
        got=" ".join(live.scope),
    )
    return live


def bearer_token(call: Call, checks: Checks) -> str:
    """The token, from the header or the form body, exactly one of them; the query is never read (OAuth 2.1 section
    5.1).
    """
    headers = call.headers.getlist("authorization")
    shown = []
    for header in headers:
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer":
            shown.append(value.strip())
    in_body = call.form.get("access_token") if call.method == "POST" else None
    if in_body is not None:
        shown.append(in_body)
    checks.require(
        len(shown) <= 1 and len(headers) <= 1 and not call.form.repeated,
        "The token is sent in one way only",
        section="RFC 6750 section 2",
        error=InvalidRequestError,
        description="More than one access token was sent",
        got=f"{len(shown)} tokens",
    )
    if not shown:
        missing = InvalidTokenError(description="An access token is needed")
        missing.no_token = True
        raise missing
    return shown[0]
