"""JWTs that clients sign: authentication assertions and request objects (RFC 7515, RFC 7519, RFC 8725).

The key comes from the client's registration and the algorithm from our list for that kind of key; whatever the header
brings along (`jwk`, `jku`, `x5u`, `x5c`) is not looked at, and what it calls critical is refused.
"""

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error
from joserfc.jws import JWSRegistry

from provider.crypto.digests import mac, same
from provider.jose.json_objects import read_object
from provider.jose.key_sets import KEY_OF, PublicKey
from provider.oauth.checks import Checks
from provider.oauth.clients.client_keys import KeysUnavailable
from provider.oauth.clients.clients import Client
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import UnitOfWork

SKEW = timedelta(seconds=10)
"""How far a client's clock may differ from ours: FAPI 2.0 section 5.3.2.1 asks for 10 seconds and forbids 60."""
COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")


@dataclass(frozen=True)
class Kind:
    """What a JWT is sent as: which `typ` it may have beside JWT or none, and how it is refused."""

    name: str
    typ: str
    error: type[OAuth2Error]
    description: str


class JwtRefused(Exception):
    """Why, in words for the explanation; nothing of the JWT is quoted but algorithms and names."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class ClientJwt:
    """A JWT in the compact serialization, read. Until its signature was verified, anybody may have made it."""

    alg: str
    kid: str | None
    typ: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read_jwt(text: str) -> ClientJwt:
    """Raises JwtRefused."""
    parts = COMPACT.fullmatch(text)
    if parts is None:
        raise JwtRefused("it is not a signed JWT")
    try:
        header, claims = read_object(_decode(parts[1])), read_object(_decode(parts[2]))
        signature = _decode(parts[3])
    except ValueError:
        raise JwtRefused("its header or claims cannot be read") from None
    unknown = {"crit", "b64", "zip"} & header.keys()
    if unknown:
        raise JwtRefused(f"its header holds {', '.join(sorted(unknown))}")
    about = [header.get(name) for name in ("alg", "kid", "typ")]
    if not all(value is None or isinstance(value, str) for value in about) or about[0] is None:
        raise JwtRefused("its header has no alg, or one that is no text")
    alg, kid, typ = about
    return ClientJwt(str(alg), kid, typ, claims, f"{parts[1]}.{parts[2]}".encode(), signature)


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def require_fit(checks: Checks, kind: Kind, jwt: ClientJwt, algorithms: Collection[str]) -> None:
    """It is of this kind, and signed with an algorithm that this client may use (RFC 8725 sections 3.1, 3.11)."""
    typ = "jwt" if jwt.typ is None else jwt.typ.lower().removeprefix("application/")
    checks.require(
        jwt.alg in algorithms and typ in {"jwt", kind.typ},
        f"The algorithm of the {kind.name} is a registered one, and its type fits",
        section="RFC 8725 sections 3.1, 3.11",
        error=kind.error,
        description=kind.description,
        expected=f"{' or '.join(algorithms)}; typ JWT, {kind.typ} or none",
        got=f"{jwt.alg}, typ {jwt.typ}",
    )


def require_signature(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, *, kind: Kind, jwt: ClientJwt
) -> None:
    """It is signed with one of the client's keys (RFC 8725 section 3.2). May ask the client's server for them."""
    problem, fix = "", ""
    try:
        verify(work, server, client, jwt)
    except JwtRefused as refused:
        problem = refused.reason
    except KeysUnavailable as away:
        problem = f"keys that cannot be had: {away.reason}"
        fix = "This is the client's own server, not this one: it must answer at its jwks_uri."
    checks.require(
        not problem,
        f"The client signed the {kind.name}",
        section="RFC 7515 section 5.2",
        error=kind.error,
        description=kind.description,
        expected="a signature by one of the client's keys",
        got=problem,
        fix=fix,
    )


def verify(work: UnitOfWork, server: AuthorizationServer, client: Client, jwt: ClientJwt) -> None:
    """Raises JwtRefused, KeysUnavailable."""
    keys = server.client_keys.find(work, client)
    if _is_signed_by_one(jwt, keys):
        return
    if jwt.kid is None or jwt.kid not in {key.kid for key in keys}:
        newer = server.client_keys.find_newer(work, client)
        if newer is not None and _is_signed_by_one(jwt, newer):
            return
        if not [key for key in newer or keys if _fits(jwt, key)]:
            raise JwtRefused("the client has no such key")
    raise JwtRefused("the signature is wrong")


def has_mac(jwt: ClientJwt, secrets: Collection[str]) -> bool:
    """Is it HS256 with one of these secrets (OIDC Core section 10.1)?"""
    return jwt.alg == "HS256" and any(same(mac(secret, jwt.signed), jwt.signature) for secret in secrets)


def _is_signed_by_one(jwt: ClientJwt, keys: Collection[PublicKey]) -> bool:
    return any(_fits(jwt, key) and _is_right(jwt, key.key) for key in keys)


def _fits(jwt: ClientJwt, key: PublicKey) -> bool:
    """The key's own words decide which algorithm it is for, then our table (RFC 8725 sections 3.1, 3.2)."""
    return (
        jwt.alg in KEY_OF
        and (key.kty, key.crv) == KEY_OF[jwt.alg]
        and key.use in (None, "sig")
        and key.alg in (None, jwt.alg)
        and jwt.kid in (None, key.kid)
    )


def _is_right(jwt: ClientJwt, key: Any) -> bool:
    # The model of the algorithm and not `jws.deserialize_compact`: header and claims were read, more strictly, already.
    alg = "Ed25519" if jwt.alg == "EdDSA" else jwt.alg
    return bool(JWSRegistry.algorithms[alg].verify(jwt.signed, jwt.signature, key))


def problem_with_times(claims: Mapping[str, Any], now: datetime, *, longest: timedelta | None = None) -> str | None:
    """Why this is not its time; None when it is. `longest` makes `exp` required, and no further away than that."""
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in times.values()):
        return "exp, nbf or iat is not a whole number"
    at, skew = int(now.timestamp()), int(SKEW.total_seconds())
    if "exp" not in times and longest is not None:
        return "there is no exp"
    if "exp" in times and times["exp"] + skew <= at:
        return f"it expired {at - times['exp']} seconds ago"
    if longest is not None and times["exp"] > at + longest.total_seconds() + skew:
        return f"it expires only in {times['exp'] - at} seconds"
    ahead = max(times.get("nbf", at), times.get("iat", at)) - at
    return f"nbf or iat is {ahead} seconds ahead" if ahead > skew else None
