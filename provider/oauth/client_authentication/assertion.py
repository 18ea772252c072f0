"""private_key_jwt and client_secret_jwt: a JWT that the client signed for this server (RFC 7523 section 3, OIDC Core
section 9).

Each is valid once and for a few minutes.
"""

from datetime import UTC, datetime, timedelta

from provider.crypto.digests import digest
from provider.jose.algorithms import FAPI_SIGNATURES
from provider.jose.signed_jwts import SignedJwt
from provider.jose.times import CLIENT_LEEWAY, problem_with_times
from provider.oauth.checks import Checks
from provider.oauth.client_authentication import store as used_assertions
from provider.oauth.client_authentication.client_jwts import (
    Kind,
    has_mac,
    require_algorithm,
    require_client_signature,
)
from provider.oauth.client_authentication.credentials import REFUSED
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ASSERTION_ALGORITHMS, SECRET_JWT
from provider.oauth.errors import InvalidClientError
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import UnitOfWork

LONGEST_LIFE = timedelta(minutes=10)
"""The longest lifetime of an assertion. Its jti has to be stored that long."""
KIND = Kind("assertion", "client-authentication+jwt", InvalidClientError, REFUSED)


def require_assertion(
    work: UnitOfWork,
    server: AuthorizationServer,
    checks: Checks,
    client: Client,
    assertion: SignedJwt,
    *,
    endpoint_url: str,
) -> None:
    """Check a client assertion.

    The signature is checked before any claim (RFC 8725 section 3.2). The jti comes last, so that a rejected assertion
    does not use it up.
    """
    _require_signature(work, server, checks, client, assertion)
    claims = assertion.claims
    who = (claims.get("iss"), claims.get("sub"))
    checks.require(
        who == (client.client_id, client.client_id),
        "The client made the assertion about itself",
        section="RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected=f"iss and sub {client.client_id}",
        got=f"iss {who[0]}, sub {who[1]}",
        fix="Set both iss and sub of the assertion to the client_id.",
    )
    _require_audience(server.issuer, checks, client, claims.get("aud"), endpoint_url)
    problem = problem_with_times(claims, work.now, leeway=CLIENT_LEEWAY, required=("exp",), longest=LONGEST_LIFE)
    checks.require(
        problem is None,
        "The assertion is valid now, and expires soon",
        section="RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected=f"exp in at most {LONGEST_LIFE.seconds // 60} minutes; nbf and iat, if any, not ahead",
        got=problem,
        fix="Check the client's clock; make a new assertion for each request.",
    )
    jti = claims.get("jti")
    checks.require(
        isinstance(jti, str) and jti,
        "The assertion has a jti",
        section="OIDC Core section 9",
        error=InvalidClientError,
        description=REFUSED,
        got="nothing" if jti is None else type(jti).__name__,
        fix="Add a jti to the assertion: a new random text each time.",
    )
    # Aside, and so at once: whatever becomes of this request, its assertion is good for no other.
    with work.aside() as db:
        expires_at = datetime.fromtimestamp(claims["exp"], UTC) + CLIENT_LEEWAY
        unused = used_assertions.spend(
            db, issuer=client.client_id, jti=digest(str(jti)), expires_at=expires_at, now=work.now
        )
    checks.require(
        unused,
        "The assertion was not used before",
        section="RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected="a new jti for each request",
        got="a new one" if unused else "a jti that was used",
        fix="Make a new assertion with a new jti for each request, also when you retry.",
    )


def _require_signature(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, assertion: SignedJwt
) -> None:
    metadata = client.metadata
    registered = metadata.token_endpoint_auth_signing_alg
    usual = FAPI_SIGNATURES if metadata.is_fapi2 else ASSERTION_ALGORITHMS[metadata.auth_methods[0]]
    require_algorithm(checks, KIND, assertion, usual if registered is None else (registered,))
    if metadata.token_endpoint_auth_method != SECRET_JWT:
        require_client_signature(work, server, checks, client, kind=KIND, jwt=assertion)
        return
    checks.require(
        client.sealed_secrets,
        "The client secret is kept so that it can be a key",
        section="OIDC Core section 10.1",
        error=InvalidClientError,
        description=REFUSED,
        got="only its digest: it was created for another method",
        fix="signet client rotate-secret CLIENT_ID makes one that can.",
    )
    signed = has_mac(assertion, client.open_secrets(work.vault))
    checks.require(
        signed,
        "The client signed the assertion",
        section="OIDC Core section 10.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="an HMAC keyed with one of the client's current secrets",
        got="such an HMAC" if signed else "another signature",
        fix="Sign the assertion with the current client secret. `signet client rotate-secret CLIENT_ID` makes a new "
        "one.",
    )


def _require_audience(issuer: str, checks: Checks, client: Client, audience: object, endpoint_url: str) -> None:
    """Check that the audience is the issuer.

    Clients without the FAPI 2.0 profile may also name the token endpoint (OIDC Core section 9) or the endpoint called.
    """
    if client.metadata.is_fapi2:
        good, expected = audience == issuer, f"{issuer}, as one string"
    else:
        ours = {issuer, f"{issuer}/oauth2/token", endpoint_url}
        named = audience if isinstance(audience, list) else [audience]
        good = bool(named) and all(isinstance(one, str) and one in ours for one in named)
        expected = " or ".join(sorted(ours))
    checks.require(
        good,
        "The assertion is for this server only",
        section="FAPI 2.0 Security Profile section 5.3.2.1" if client.metadata.is_fapi2 else "RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected=expected,
        got=audience if isinstance(audience, str) else type(audience).__name__,
        fix="Set aud of the assertion to the expected value.",
    )
