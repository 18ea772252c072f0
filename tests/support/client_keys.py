"""Key pairs of clients, and what clients sign with them."""

import hmac
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import json_b64encode, urlsafe_b64encode

Key = RSAKey | ECKey | OKPKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")


def new_key(alg: str = "ES256") -> Key:
    """A key for this algorithm."""
    if alg in {"RS256", "PS256"}:
        return RSAKey.generate_key(2048)
    return ECKey.generate_key("P-256") if alg == "ES256" else OKPKey.generate_key("Ed25519")


@cache
def usual_key(alg: str = "ES256") -> Key:
    """The same one for the whole run: making an RSA key takes time."""
    return new_key(alg)


def public(key: Key, **members: Any) -> dict[str, Any]:
    """Its JWK, with `kid` and the like as given."""
    return {**key.as_dict(private=False), **members}


def sign(claims: dict[str, Any], key: Key, *, alg: str = "ES256", **header: Any) -> str:
    """A JWT, however wrong its header and claims."""
    named = {"alg": alg, **{name: value for name, value in header.items() if value is not None}}
    signed = json_b64encode(named) + b"." + json_b64encode(claims)
    model = JWSRegistry.algorithms["Ed25519" if alg == "EdDSA" else alg]
    return (signed + b"." + urlsafe_b64encode(model.sign(signed, key))).decode()


def mac(claims: dict[str, Any], secret: str | bytes, *, alg: str = "HS256", **header: Any) -> str:
    """A JWT with an HMAC, keyed with anything."""
    signed = json_b64encode({"alg": alg, **header}) + b"." + json_b64encode(claims)
    key = secret.encode() if isinstance(secret, str) else secret
    return (signed + b"." + urlsafe_b64encode(hmac.digest(key, signed, f"sha{alg[2:]}"))).decode()


@dataclass
class Signatory:
    """A client that signs: `jwks` is what it registers."""

    alg: str = "ES256"
    kid: str | None = "key-1"
    key: Key = field(default_factory=usual_key)

    @classmethod
    def of(cls, alg: str) -> "Signatory":
        return cls(alg, key=usual_key(alg))

    @property
    def jwk(self) -> dict[str, Any]:
        return public(self.key, use="sig", alg=self.alg, **({} if self.kid is None else {"kid": self.kid}))

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.jwk]}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        given = {"alg": self.alg, "kid": self.kid, **header}
        return sign(claims, self.key, **given)


def assertion_claims(client_id: str, issuer: str, **changes: Any) -> dict[str, Any]:
    """What RFC 7523 section 3 asks for; a claim given as None is left out."""
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "exp": now + 60,
        "iat": now,
        "jti": secrets.token_urlsafe(16),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def asserting(assertion: str) -> dict[str, str]:
    """The body parameters that carry it (RFC 7523 section 2.2)."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
