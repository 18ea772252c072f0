"""private_key_jwt and client_secret_jwt: a JWT that the client signed for this server (RFC 7523 section 3, OIDC Core
section 9).

Each is valid once and for a few minutes.
"""

from datetime import timedelta

from provider.jose.algorithms import FAPI_SIGNATURES
from provider.jose.signed_jwts import SignedJwt
from provider.jose.times import CLIENT_LEEWAY, problem_with_times, remembered_until
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.client_jwts import (
    Kind,
    has_mac,
    require_algorithm,
    require_client_signature,
)
from provider.oauth.client_authentication.credentials import REFUSED
from provider.oauth.client_authentication.single_use import use_up
from provider.oauth.clients.choices import ASSERTION_ALGORITHMS, SECRET_JWT
from provider.oauth.clients.clients import Client
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
        "iss and sub of the assertion are the client_id",
        section="RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected=f"iss and sub {client.client_id}",
        got=f"iss {who[0]}, sub {who[1]}",
        fix="Set iss and sub of the assertion to the client_id.",
    )
    _require_audience(
        server.issuer, checks, client, claims.get("aud"), (endpoint_url, *_aliases(work, server, endpoint_url))
    )
    problem = problem_with_times(claims, work.now, leeway=CLIENT_LEEWAY, required=("exp",), longest=LONGEST_LIFE)
    checks.require(
        problem is None,
        f"The assertion is valid now and expires within {LONGEST_LIFE.seconds // 60} minutes",
        section="RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected=f"exp within {LONGEST_LIFE.seconds // 60} minutes; nbf and iat not in the future",
        got=problem,
        fix="Check the client's clock, and create a new assertion for each request.",
    )
    jti = claims.get("jti")
    checks.require(
        isinstance(jti, str) and jti,
        "The assertion has a jti",
        section="OIDC Core section 9",
        error=InvalidClientError,
        description=REFUSED,
        expected="a jti",
        got="no jti" if jti is None else f"a jti of type {type(jti).__name__}",
        fix="Add a jti to the assertion: a new random value for each request.",
    )
    expires_at = remembered_until(claims["exp"], CLIENT_LEEWAY)
    checks.require(
        use_up(work, issuer=client.client_id, jti=str(jti), expires_at=expires_at),
        "The assertion is used for the first time",
        section="RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected="a new jti for each request",
        got="a jti that was used before",
        fix="Create a new assertion with a new jti for each request and each retry.",
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
        "The client secret can verify client_secret_jwt",
        section="OIDC Core section 10.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="a secret that was created for client_secret_jwt",
        got="a secret for another method, of which only a digest is stored",
        fix="Create a new secret: `signet client rotate-secret CLIENT_ID`.",
    )
    signed = has_mac(assertion, client.open_secrets(work.vault))
    checks.require(
        signed,
        "The assertion is signed with a current client secret",
        section="OIDC Core section 10.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="an HS256 signature with one of the client's current secrets",
        got="another signature",
        fix="Sign the assertion with the current client secret. To create a new one: `signet client "
        "rotate-secret CLIENT_ID`.",
    )


def _aliases(work: UnitOfWork, server: AuthorizationServer, endpoint_url: str) -> tuple[str, ...]:
    """Return the URLs of this and of the token endpoint where certificates are asked for (RFC 8705 section 5)."""
    base = work.settings.mtls_url
    if base is None:
        return ()
    return base + endpoint_url.removeprefix(server.issuer), f"{base}/oauth2/token"


def _require_audience(
    issuer: str, checks: Checks, client: Client, audience: object, endpoint_urls: tuple[str, ...]
) -> None:
    """Check that the audience is the issuer.

    Clients without the FAPI 2.0 profile may also name the token endpoint (OIDC Core section 9) or the endpoint called,
    such as the backchannel endpoint (CIBA section 7.1; decision 292).
    """
    if client.metadata.is_fapi2:
        good, expected = audience == issuer, f"{issuer}, as one string"
    else:
        ours = {issuer, f"{issuer}/oauth2/token", *endpoint_urls}
        named = audience if isinstance(audience, list) else [audience]
        good = bool(named) and all(isinstance(one, str) and one in ours for one in named)
        expected = " or ".join(sorted(ours))
    checks.require(
        good,
        "aud of the assertion is this server",
        section="FAPI 2.0 Security Profile section 5.3.2.1" if client.metadata.is_fapi2 else "RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected=expected,
        got=audience if isinstance(audience, str) else f"a {type(audience).__name__}",
        fix="Set aud of the assertion to the expected value.",
    )
