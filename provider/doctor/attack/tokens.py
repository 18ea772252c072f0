"""JWTs as the probes need them: read, verified with the published keys, and forged."""

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import Code, World, read
from provider.jose import base64url
from provider.work import unit_of_work

KEYS = "/oauth2/jwks"


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWT, unverified. Raises Unclear."""
    return _part(token, 1)


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a JWT. Raises Unclear."""
    return _part(token, 0)


def _part(token: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(base64url.decode(token.split(".")[number]))
    except (ValueError, IndexError):
        raise Unclear("A token is not a JWT.") from None
    if not isinstance(value, dict):
        raise Unclear("A token is not a JWT.")
    return value


def encode(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """Return a JWT with this signature, right or wrong."""
    return f"{signed_part(header, claims)}.{base64url.encode(signature).decode()}"


def signed_part(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(base64url.encode(json.dumps(part).encode()).decode() for part in (header, claims))


@cache
def foreign_key() -> RSAKey:
    """Return a key of the attacker."""
    return RSAKey.generate_key(2048)


def signed_by_foreign_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jws.serialize_compact(header, json.dumps(claims).encode(), foreign_key(), algorithms=["RS256"])


def signed_with_public_key(claims: dict[str, Any], key: dict[str, Any], typ: str) -> list[str]:
    """Return JWTs with HS256, whose secret is the public key: in PEM, as JSON, and its modulus."""
    public = RSAKey.import_key(key)
    modulus = base64.urlsafe_b64decode(str(key["n"]) + "==")
    header = {"alg": "HS256", "typ": typ, "kid": key["kid"]}
    part = signed_part(header, claims)
    secrets = (public.as_pem(private=False), json.dumps(key, separators=(",", ":")).encode(), modulus)
    return [f"{part}.{base64url.encode(hmac.digest(secret, part.encode(), 'sha256')).decode()}" for secret in secrets]


def published_keys(world: World) -> list[dict[str, Any]]:
    """Return the published keys. Raises Unclear."""
    keys = read(world.wire.send("GET", KEYS)).get("keys")
    if not isinstance(keys, list) or not keys:
        raise Unclear(f"{KEYS} has no keys.")
    return keys


def signed_by_us(world: World, claims: dict[str, Any], *, typ: str = "at+jwt") -> str:
    """Return a JWT that the issuer signed itself, as no attacker can."""
    with unit_of_work(world.case.inside) as work:
        return world.server.keys.signer(work).sign(claims, typ=typ)


def wrong_with_id_token(world: World, code: Code, token: str, access_token: str) -> str | None:
    """Return what an app finds wrong with an ID token (OIDC Core section 3.1.3.7), or None."""
    header = header_of(token)
    try:
        found = jwt.decode(token, KeySet.import_key_set({"keys": published_keys(world)}), algorithms=[header["alg"]])
    except (JoseError, ValueError, KeyError) as error:
        return f"The ID token cannot be verified with the published keys ({type(error).__name__})."
    claims, now = found.claims, world.case.now().timestamp()
    half = base64url.encode(hashlib.sha256(access_token.encode()).digest()[:16]).decode()
    wanted = {"iss": world.case.url, "nonce": code.nonce, "sub": claims_of(access_token).get("sub"), "at_hash": half}
    for name, value in wanted.items():
        if claims.get(name) != value:
            return f"The ID token has {name} {claims.get(name)!r}, not {value!r}."
    audience = claims.get("aud")
    if code.client.client_id not in (audience if isinstance(audience, list) else [audience]):
        return f"The ID token has aud {audience!r}."
    if not claims.get("iat", 0) - 60 <= now <= claims.get("exp", 0):
        return f"The ID token is valid from {claims.get('iat')} to {claims.get('exp')}, and it is {now:.0f}."
    return None
