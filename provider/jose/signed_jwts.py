"""JWTs that others sign, in the compact serialization (RFC 7515, RFC 7519, RFC 8725). Pure.

The keys come from whoever must have signed it, and the algorithm from our table for that kind of key. What the header
brings along (`jwk`, `jku`, `x5u`, `x5c`) is not looked at, and what it calls critical is refused.
"""

import base64
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from provider.jose.algorithms import Registry
from provider.jose.json_objects import read_object
from provider.jose.key_sets import Key, PublicKey, choose_keys

COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
LONGEST = 64 * 1024
"""Characters; no form that we read and no answer that we take is longer."""


class InvalidJwt(Exception):
    """Why a JWT is refused, in words; nothing of it is quoted but algorithms and names."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class SignedJwt:
    """A JWT that was read. Until its signature is verified, anybody may have made it."""

    alg: str
    kid: str | None
    typ: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    def is_signed_by(self, key: Key) -> bool:
        """Tell whether this key, which must be one for `alg`, made the signature."""
        # The model of the algorithm and not `jws.deserialize_compact`: header and claims were read, more strictly.
        return Registry.algorithms[self.alg].verify(self.signed, self.signature, key)


def read_jwt(text: str, *, algorithms: Collection[str] | None = None) -> SignedJwt:
    """Read header and claims, and verify nothing. Raises InvalidJwt, also for an `alg` that is not one of these."""
    parts = COMPACT.fullmatch(text) if len(text) <= LONGEST else None
    if parts is None:
        raise InvalidJwt("it is not a signed JWT")
    try:
        header, claims = read_object(_decode(parts[1])), read_object(_decode(parts[2]))
        signature = _decode(parts[3])
    except ValueError:
        raise InvalidJwt("its header or claims cannot be read") from None
    unknown = {"crit", "b64", "zip"} & header.keys()
    if unknown:
        raise InvalidJwt(f"its header holds {', '.join(sorted(unknown))}")
    about = [header.get(name) for name in ("alg", "kid", "typ")]
    if not all(value is None or isinstance(value, str) for value in about) or about[0] is None:
        raise InvalidJwt("its header has no alg, or one that is not text")
    alg, kid, typ = str(about[0]), about[1], about[2]
    if algorithms is not None and alg not in algorithms:
        raise InvalidJwt(f"its alg is none of {', '.join(algorithms) or 'ours'}")
    return SignedJwt(alg, kid, typ, claims, f"{parts[1]}.{parts[2]}".encode(), signature)


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def require_signature(
    jwt: SignedJwt, find: Callable[..., tuple[PublicKey, ...]], *, one_without_kid: bool = False
) -> None:
    """Check that one of the signer's keys made the signature (RFC 8725 section 3.2). Raises InvalidJwt.

    `find()` returns those keys. `find(newer=True)` is called when the key may be missing there, and asks the signer.
    With `one_without_kid`, a JWT without `kid` is refused when several keys fit (OIDC Core section 10.1).
    """
    keys = choose_keys(find(), alg=jwt.alg, kid=jwt.kid)
    verified = any(jwt.is_signed_by(key.key) for key in keys)
    if not verified and (jwt.kid is None or not keys):
        keys = choose_keys(find(newer=True), alg=jwt.alg, kid=jwt.kid)
        verified = any(jwt.is_signed_by(key.key) for key in keys)
    if one_without_kid and jwt.kid is None and len(keys) > 1:
        raise InvalidJwt("it names no key, and several fit")
    if not verified:
        raise InvalidJwt("the signature is wrong" if keys else "its signer has no such key")
