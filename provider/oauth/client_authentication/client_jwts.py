"""JWTs that clients sign, authentication assertions and request objects, and the errors for invalid ones.

Algorithm and keys come from the client's registration; `jose.signed_jwts` parses and verifies.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from authlib.oauth2 import OAuth2Error

from provider.crypto.digests import mac, same
from provider.jose.remote_key_sets import KeySetUnavailable
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, require_signature
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Kind:
    """A kind of client JWT: which `typ` it may have beside JWT or none, and its error."""

    name: str
    typ: str
    error: type[OAuth2Error]
    description: str


def require_algorithm(checks: Checks, kind: Kind, jwt: SignedJwt, algorithms: Collection[str]) -> None:
    """Check that the JWT is of this kind, and that this client may use its algorithm (RFC 8725 sections 3.1, 3.11)."""
    typ = "jwt" if jwt.typ is None else jwt.typ.lower().removeprefix("application/")
    checks.require(
        jwt.alg in algorithms and typ in {"jwt", kind.typ},
        f"The {kind.name} has a registered algorithm and the right typ",
        section="RFC 8725 sections 3.1, 3.11",
        error=kind.error,
        description=kind.description,
        expected=f"{' or '.join(algorithms)}; typ JWT, {kind.typ} or none",
        got=f"{jwt.alg}, typ {jwt.typ or 'none'}",
        fix="Sign with the expected algorithm and typ, or register another algorithm: `signet client "
        "update CLIENT_ID --metadata FILE`.",
    )


def require_client_signature(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, *, kind: Kind, jwt: SignedJwt
) -> None:
    """Check that one of the client's keys signed the JWT. May fetch the keys from the client's server."""
    problem = ""
    fix = "Sign with a private key whose public key is registered: `signet client update CLIENT_ID --jwks FILE`."
    try:
        require_signature(jwt, partial(server.client_keys.find, work, client))
    except InvalidJwt as invalid:
        problem = invalid.reason
    except KeySetUnavailable as unavailable:
        problem = f"the key set at jwks_uri is not available: {unavailable.reason}"
        fix = "Check that the client's own server answers at its jwks_uri."
    checks.require(
        not problem,
        f"The {kind.name} is signed with a key of the client",
        section="RFC 7515 section 5.2",
        error=kind.error,
        description=kind.description,
        expected="a signature with one of the client's keys",
        got=problem,
        fix=fix,
    )


def has_mac(jwt: SignedJwt, secrets: Collection[str]) -> bool:
    """Return whether the JWT has an HS256 signature by one of these secrets (OIDC Core section 10.1)."""
    return jwt.alg == "HS256" and any(same(mac(secret, jwt.signed), jwt.signature) for secret in secrets)
