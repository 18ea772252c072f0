"""The callers of shared signals and of global token revocation: clients that act for themselves, with a scope for it
(CAEP Interoperability Profile 1.0 section 2.7), and upstream providers that sign their requests.
"""

from collections.abc import Iterable

from provider.federation.pages.upstreams_of import upstreams_of
from provider.federation.signals import revocation_requests
from provider.federation.signals.revocation_requests import InvalidRequestJwt
from provider.federation.upstreams import Upstream
from provider.jose.signed_jwts import InvalidJwt, read_jwt
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InsufficientScopeError, InvalidTokenError
from provider.oauth.http.bearer import require_token
from provider.oauth.http.server import server_of
from provider.oauth.scopes import GLOBAL_REVOCATION, SSF_MANAGE, SSF_READ
from provider.oauth.tokens.access_tokens import ActiveToken, InactiveToken, read_access_token
from provider.operator_names import OperatorName
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.web.call import Call
from provider.work import UnitOfWork

TO_MANAGE = (SSF_MANAGE,)
TO_READ = (SSF_MANAGE, SSF_READ)
"""The scopes of which one is enough."""
DRAFT = "draft-parecki-oauth-global-token-revocation-06 section 5.1"


def require_receiver(call: Call, scopes: Iterable[str]) -> tuple[str, frozenset[str]]:
    """Require an active access token with one of these scopes that a client got for itself. From then on, audit events
    name the client. Returns its id and the scopes. Raises InvalidTokenError or InsufficientScopeError.
    """
    section = "CAEP Interoperability Profile 1.0 section 2.7.1"
    token = _require_own_token(call, Checks("shared signals"), scopes, section=section, scope=SSF_MANAGE)
    return str(token.claims["client_id"]), frozenset(token.scope)


def is_active(call: Call, work: UnitOfWork) -> bool:
    """Return whether the access token that `require_receiver` accepted is still active, for a response that waited."""
    token = call.headers.get("authorization", "").partition(" ")[2].strip()
    try:
        read_access_token(work, server_of(call), token, is_use=False)
    except InactiveToken:
        return False
    return True


def require_revoker(call: Call) -> Client:
    """Require an active access token for global token revocation that a client got for itself. From then on, audit
    events name the client. Returns the client. Raises InvalidTokenError or InsufficientScopeError.
    """
    checks = Checks("global token revocation")
    token = _require_own_token(call, checks, (GLOBAL_REVOCATION,), section=DRAFT, scope=GLOBAL_REVOCATION)
    client = server_of(call).clients.find(call.work, str(token.claims["client_id"]))
    return checks.found(
        client,
        "The client exists",
        section=DRAFT,
        error=InvalidTokenError,
        description="The access token is invalid, expired or revoked",
        expected="a client",
        got="none",
        fix="Register the client again.",
    )


def find_upstream_of_request(call: Call, *, audience: str) -> Upstream | None:
    """Return the upstream that signed this request for global token revocation, or None if it has another kind of
    credential. Raises InvalidTokenError, or UpstreamUnavailable.
    """
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    try:
        jwt = read_jwt(token.strip())
    except InvalidJwt:
        return None
    if scheme.lower() != "bearer" or (jwt.typ or "").lower() != revocation_requests.TYP:
        return None
    work, network = call.work, of_network(call.work, "upstream-revocation")
    require_room(work, LIMITS.upstream, key=network)
    upstream = _upstream_of(call, jwt.claims.get("iss"))
    problem = "no upstream with this iss whose signals are taken"
    if upstream is not None:
        try:
            revocation_requests.check(work, upstream, token.strip(), audience=audience)
        except InvalidRequestJwt as invalid:
            upstream, problem = None, invalid.reason
    if upstream is None:
        count(work, LIMITS.upstream, key=network)
    return Checks("global token revocation").found(
        upstream,
        "An upstream signed the request",
        section=DRAFT,
        error=InvalidTokenError,
        description="The JWT is not valid for this request",
        expected="a JWT that an upstream signed for this endpoint",
        got=problem,
        fix=f"Check receives_signals of the upstream, and iss, aud ({audience}), exp and jti of the JWT.",
    )


def _upstream_of(call: Call, issuer: object) -> Upstream | None:
    upstreams = upstreams_of(call)
    settings = upstreams.of_issuer(issuer) if isinstance(issuer, str) else None
    if settings is None or not settings.receives_signals:
        return None
    return upstreams.get(settings.key)


def _require_own_token(call: Call, checks: Checks, scopes: Iterable[str], *, section: str, scope: str) -> ActiveToken:
    token = require_token(call, checks, scopes)
    checks.require(
        token.grant is None,
        "The client acts for itself",
        section=section,
        error=InsufficientScopeError,
        description="The access token must come from the client credentials grant",
        expected="an access token that a client got for itself",
        got="an access token of a user",
        fix=f"Request the access token with grant_type=client_credentials and scope={scope}.",
        scope=scope,
    )
    call.work.origin = call.work.origin.of_operator(OperatorName.client(str(token.claims["client_id"])))
    return token
