"""JWTs signed by other parties, in the compact serialization (RFC 7515, RFC 7519, RFC 8725). Pure.

The keys are those of the expected signer, and our table says which algorithm each kind of key is for. Keys in the
header (`jwk`, `jku`, `x5u`, `x5c`) are ignored, and headers with critical extensions are rejected. So is text that no
database, URL or header can hold, before anything is looked up by it.
"""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, NamedTuple

from provider.jose import base64url
from provider.jose.json_objects import is_storable, read_object
from provider.jose.key_sets import Key, PublicKey, choose_keys
from provider.jose.registry import Registry

COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
LONGEST = 64 * 1024
"""The longest JWT, in characters. No form or response that we accept is longer."""

USUAL_HEADER = 512
"""The longest header that is remembered, in characters."""
UNREADABLE = "its header or claims cannot be read"


class InvalidJwt(Exception):
    """An invalid JWT. The text says why; it quotes nothing from the JWT but algorithms and names."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Header(NamedTuple):
    """The header of a JWT."""

    alg: str
    kid: str | None
    typ: str | None


class SignedJwt(NamedTuple):
    """A parsed JWT. Until its signature is verified, its signer is unknown."""

    header: Header
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        return self.header.alg

    @property
    def kid(self) -> str | None:
        return self.header.kid

    @property
    def typ(self) -> str | None:
        return self.header.typ

    def is_signed_by(self, key: Key) -> bool:
        """Return whether this key, which must be one for `alg`, signed the JWT."""
        # The model of the algorithm and not `jws.deserialize_compact`: header and claims were read, more strictly.
        return Registry.algorithms[self.alg].verify(self.signed, self.signature, key)


def read_jwt(text: str, *, algorithms: Collection[str] | None = None, any_text: bool = False) -> SignedJwt:
    """Parse header and claims without verifying anything. Raises InvalidJwt, also for an `alg` that is not one of
    these, and for claims with NUL or half of a surrogate pair. With `any_text` the caller cleans or checks each text.
    """
    parts = COMPACT.fullmatch(text) if len(text) <= LONGEST else None
    if parts is None:
        raise InvalidJwt("it is not a signed JWT")
    first, second, third = parts.groups()
    header = _known_header(first) if len(first) <= USUAL_HEADER else _read_header(first)
    claims = _read_object(second, any_text=any_text)
    try:
        signature = base64url.decode(third)
    except ValueError:
        raise InvalidJwt(UNREADABLE) from None
    if algorithms is not None and header.alg not in algorithms:
        raise InvalidJwt(f"its alg is not one of {', '.join(algorithms) or 'ours'}")
    return SignedJwt(header, claims, text[: parts.start(3) - 1].encode(), signature)


def _read_object(part: str, *, any_text: bool) -> dict[str, Any]:
    try:
        raw = base64url.decode(part)
        found = read_object(raw)
    except ValueError:
        raise InvalidJwt(UNREADABLE) from None
    # UTF-8 has no such text, so it is always escaped.
    if not any_text and b"\\u" in raw and not is_storable(found):
        raise InvalidJwt("its header or claims contain NUL or half of a surrogate pair")
    return found


def _read_header(part: str) -> Header:
    header = _read_object(part, any_text=False)
    unknown = {"crit", "b64", "zip"} & header.keys()
    if unknown:
        raise InvalidJwt(f"its header contains {', '.join(sorted(unknown))}")
    alg, kid, typ = (header.get(name) for name in Header._fields)
    if not all(value is None or isinstance(value, str) for value in (alg, kid, typ)) or alg is None:
        raise InvalidJwt("alg, kid or typ in its header is missing or not text")
    return Header(alg, kid, typ)


_known_header = lru_cache(maxsize=256)(_read_header)
"""Headers that were read before: a signer writes the same one until it changes its key."""


def require_signature(
    jwt: SignedJwt, find: Callable[..., tuple[PublicKey, ...]], *, one_without_kid: bool = False
) -> None:
    """Check that one of the signer's keys signed the JWT (RFC 8725 section 3.2). Raises InvalidJwt.

    `find()` returns those keys. `find(newer=True)` is called if the key may be missing there, and asks the signer. With
    `one_without_kid`, a JWT without `kid` is rejected if several keys match (OIDC Core section 10.1).
    """
    keys = choose_keys(find(), alg=jwt.alg, kid=jwt.kid)
    verified = any(jwt.is_signed_by(key.key) for key in keys)
    if not verified and (jwt.kid is None or not keys):
        keys = choose_keys(find(newer=True), alg=jwt.alg, kid=jwt.kid)
        verified = any(jwt.is_signed_by(key.key) for key in keys)
    if one_without_kid and jwt.kid is None and len(keys) > 1:
        raise InvalidJwt("it has no kid, and several keys could have signed it")
    if not verified:
        raise InvalidJwt("its signature is wrong" if keys else "its signer has no key with this kid and alg")
