"""Public keys that clients publish (RFC 7517): which we take, and which may be registered. Pure."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey

KEY_OF: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""Algorithm -> kty and crv of its keys (RFC 7518 section 3.1, RFC 8037; RFC 9864 for the last)."""
SIGNATURES = tuple(KEY_OF)
FAPI_SIGNATURES = tuple(alg for alg in SIGNATURES if alg != "RS256")
"""FAPI 2.0 Security Profile section 5.4.1."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MEMBERS: Mapping[str, tuple[type[RSAKey] | type[ECKey] | type[OKPKey], tuple[str, ...]]] = {
    "RSA": (RSAKey, ("n", "e")),
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
}
"""kty -> what parses it, and what it needs."""
CURVES = ("P-256", "P-384", "P-521", "Ed25519", "X25519")
RSA_BITS = (2048, 4096)
"""Shorter ones are weak (RFC 7518 section 3.3), longer ones cost us more than the client."""
LARGEST_EXPONENT = 2**32
MOST_KEYS = 20
"""Of one client."""

BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class UnfitKey(ValueError):
    """Why a key is not taken, in words."""


@dataclass(frozen=True)
class PublicKey:
    """One key. What it says of itself (`kid`, `use`, `alg`) is None where it says nothing."""

    kty: str
    kid: str | None
    use: str | None
    alg: str | None
    key: Key

    @property
    def crv(self) -> str | None:
        return None if self.kty == "RSA" else str(self.key["crv"])


def parse_jwks(given: object) -> tuple[PublicKey, ...]:
    """Every key of a set that is to be registered. Raises UnfitKey for the first that we would not take."""
    return tuple(_parse(jwk) for jwk in _members(given))


def parse_usable(given: object) -> tuple[PublicKey, ...]:
    """The keys of a published set that we understand; the others are nobody's business (RFC 7517 section 5). Raises
    UnfitKey for what is no set.
    """
    usable = []
    for jwk in _members(given):
        try:
            usable.append(_parse(jwk))
        except UnfitKey:
            continue
    return tuple(usable)


def _members(given: object) -> list[object]:
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(keys, list):
        raise UnfitKey("is not a JWK set: an object with a list of keys")
    if not 1 <= len(keys) <= MOST_KEYS:
        raise UnfitKey(f"must hold 1 to {MOST_KEYS} keys")
    return keys


def _parse(jwk: object) -> PublicKey:
    if not isinstance(jwk, dict):
        raise UnfitKey("holds a key that is not an object")
    if PRIVATE_MEMBERS & jwk.keys():
        raise UnfitKey("holds a private or symmetric key, which nobody else may have: replace it")
    kty = str(jwk.get("kty"))
    if kty not in MEMBERS:
        raise UnfitKey(f"holds a key whose kty is not one of {', '.join(MEMBERS)}")
    parser, needed = MEMBERS[kty]
    about = {name: jwk.get(name) for name in ("kid", "use", "alg")}
    if not all(value is None or (isinstance(value, str) and 0 < len(value) <= 256) for value in about.values()):
        raise UnfitKey("holds a key whose kid, use or alg is not a short text")
    plain: dict[str, Any] = {name: jwk.get(name) for name in needed}
    if not all(isinstance(value, str) and BASE64URL.fullmatch(value) for value in plain.values()):
        raise UnfitKey(f"holds an {kty} key that lacks one of {', '.join(needed)}")
    if kty != "RSA" and plain["crv"] not in CURVES:
        raise UnfitKey(f"holds a key whose crv is not one of {', '.join(CURVES)}")
    try:
        if kty == "RSA":
            _require_sane_rsa(plain)
        key = parser.import_key({"kty": kty, **plain})
    except UnfitKey:
        raise
    except (JoseError, ValueError, TypeError):
        raise UnfitKey(f"holds an {kty} key that is none") from None
    return PublicKey(kty=kty, key=key, **about)


def _require_sane_rsa(plain: dict[str, Any]) -> None:
    bits, exponent = _number(plain["n"]).bit_length(), _number(plain["e"])
    if not RSA_BITS[0] <= bits <= RSA_BITS[1]:
        raise UnfitKey(f"holds an RSA key of {bits} bits, not {RSA_BITS[0]} to {RSA_BITS[1]}")
    if not 3 <= exponent < LARGEST_EXPONENT:
        raise UnfitKey("holds an RSA key with an unusual exponent")


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
