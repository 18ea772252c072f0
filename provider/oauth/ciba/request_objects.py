"""Signed backchannel authentication requests (CIBA section 7.1.1): the parameters in a JWT of the client."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provider.crypto.digests import digest
from provider.jose.algorithms import FAPI_SIGNATURES, SIGNATURES
from provider.jose.json_objects import is_whole_number
from provider.jose.times import CLIENT_LEEWAY, problem_with_times, remembered_until
from provider.oauth.authorize.request_objects import read_signed
from provider.oauth.checks import Checks
from provider.oauth.client_authentication import store as used_assertions
from provider.oauth.client_authentication.client_jwts import Kind
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidRequestError
from provider.oauth.syntax import require_syntax
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import UnitOfWork

PARAMETERS = (
    "scope",
    "client_notification_token",
    "acr_values",
    "login_hint_token",
    "id_token_hint",
    "login_hint",
    "binding_message",
    "user_code",
    "requested_expiry",
    "resource",
)
"""The parameters of a backchannel authentication request (CIBA section 7.1, RFC 8707 section 2)."""
REFUSED = "The signed request is not signed by this client with a registered algorithm and key"
KIND = Kind("signed request", "oauth-authz-req+jwt", InvalidRequestError, REFUSED)
SECTION = "CIBA section 7.1.1"
LONGEST_LIFE = timedelta(minutes=60)
"""The longest lifetime of a signed request (FAPI-CIBA section 5.2.2)."""


def unwrap(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, given: Mapping[str, str]
) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Return the parameters and the claims of the signed request, or the given parameters and no claims without one.

    Raises InvalidRequestError. The caller uses up the claims with `require_unused` once nothing else is wrong.
    """
    metadata = client.metadata
    checks.require(
        "request" in given
        or (metadata.backchannel_authentication_request_signing_alg is None and not metadata.is_fapi2),
        "The request is signed",
        section="FAPI-CIBA section 5.2.2" if metadata.is_fapi2 else "CIBA section 4",
        error=InvalidRequestError,
        description="This client must sign its backchannel authentication requests",
        expected="a signed request in request",
        got="no request",
        fix="Send the parameters as claims of a JWT in request, signed with the client's key.",
    )
    if "request" not in given:
        return given, {}
    beside = [name for name in PARAMETERS if name in given]
    checks.require(
        not beside,
        "Every parameter is in the signed request",
        section=SECTION,
        error=InvalidRequestError,
        description=f"Not allowed beside request: {', '.join(beside)}",
        expected="request, and the parameters of client authentication",
        got=", ".join(beside),
        fix="Send these parameters only as claims of the signed request.",
    )
    usual = FAPI_SIGNATURES if metadata.is_fapi2 else SIGNATURES
    registered = metadata.backchannel_authentication_request_signing_alg
    algorithms = usual if registered is None else (registered,)
    claims = read_signed(work, server, checks, client, given["request"], kind=KIND, algorithms=algorithms)
    _require_current(work, checks, claims)
    inside = _parameters(checks, claims)
    require_syntax(checks, inside)
    _require_jti(checks, claims)
    return inside, claims


def _require_current(work: UnitOfWork, checks: Checks, claims: Mapping[str, Any]) -> None:
    problem = problem_with_times(
        claims, work.now, leeway=CLIENT_LEEWAY, required=("exp", "nbf", "iat"), longest=LONGEST_LIFE
    )
    if problem is None and claims["nbf"] < work.now.timestamp() - LONGEST_LIFE.total_seconds():
        problem = "its nbf is older than 60 minutes"
    checks.require(
        problem is None,
        "The signed request is valid now",
        section=SECTION,
        error=InvalidRequestError,
        description=f"The signed request is not valid now: {problem}",
        expected="exp, nbf and iat, with exp and nbf within 60 minutes",
        got=problem,
        fix="Check the client's clock, and sign a new request with current exp, nbf and iat each time.",
    )


def _require_jti(checks: Checks, claims: Mapping[str, Any]) -> None:
    jti = claims.get("jti")
    checks.require(
        isinstance(jti, str) and jti,
        "The signed request has a jti",
        section=SECTION,
        error=InvalidRequestError,
        description="The signed request must have a jti",
        expected="a jti",
        got="no jti" if jti is None else f"a jti of type {type(jti).__name__}",
        fix="Add a jti to the signed request: a new random value for each request.",
    )


def require_unused(work: UnitOfWork, checks: Checks, client: Client, claims: Mapping[str, Any]) -> None:
    """Use up the `jti` of a signed request. Raises InvalidRequestError if it was used before."""
    if not claims:
        return
    expires_at = remembered_until(claims["exp"], CLIENT_LEEWAY)
    # A client may use the same value in an assertion, so the digest is another one.
    spent = digest(f"backchannel request {claims['jti']}")
    unused = used_assertions.spend(work.db, issuer=client.client_id, jti=spent, expires_at=expires_at, now=work.now)
    checks.require(
        unused,
        "The signed request is used for the first time",
        section=SECTION,
        error=InvalidRequestError,
        description="The signed request was used before",
        expected="a new jti for each request",
        got="a jti that was used before",
        fix="Sign a new request with a new jti for each request and each retry.",
    )


def _parameters(checks: Checks, claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the claims that are parameters, as text. `requested_expiry` may be a number or text."""
    known = {name: value for name, value in claims.items() if name in PARAMETERS}
    texts = {name: _as_text(name, value) for name, value in known.items()}
    invalid = [name for name, text in texts.items() if text is None]
    checks.require(
        not invalid,
        "The signed request contains parameters of the right types",
        section=SECTION,
        error=InvalidRequestError,
        description=f"Not valid in the signed request: {', '.join(invalid)}",
        expected="text; text or a number for requested_expiry; text or a list for resource",
        got=", ".join(invalid),
        fix="Correct the type of these claims.",
    )
    return {name: text for name, text in texts.items() if text}


def _as_text(name: str, value: object) -> str | None:
    if isinstance(value, str):
        return value
    if name == "resource" and isinstance(value, list) and all(isinstance(uri, str) for uri in value):
        return " ".join(value)
    return str(value) if name == "requested_expiry" and is_whole_number(value) else None
