"""Public keys that other parties publish (RFC 7517): which are accepted, and which match a JWT. Pure.

joserfc's KeySet is not used: it rejects a whole set for one malformed key, and gives a `kid` to keys that have none.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from provider.jose.certificates import InvalidCertificate, read_x5c

Key = RSAKey | ECKey | OKPKey

KEY_OF: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    **dict.fromkeys(("EdDSA", "Ed25519"), ("OKP", "Ed25519")),
}
"""The keys of each signature algorithm: algorithm to (kty, crv) (RFC 7518 section 3.1, RFC 8037; RFC 9864 for the
last). Neither `none` nor an HMAC is here: an HMAC would take a public key for a secret (RFC 8725 section 3.1).
"""
SIGNATURE_OPERATIONS = frozenset({"sign", "verify"})
"""The `key_ops` of signature keys. A public key derived from a private one may list `sign` (RFC 7517 section 4.3)."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MEMBERS: Mapping[str, tuple[type[RSAKey] | type[ECKey] | type[OKPKey], tuple[str, ...]]] = {
    "RSA": (RSAKey, ("n", "e")),
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
}
"""The supported key types: kty to (class that parses it, required members)."""
CURVES = ("P-256", "P-384", "P-521", "Ed25519", "X25519")
RSA_BITS = (2048, 4096)
"""The allowed sizes of RSA keys, in bits. Shorter ones are weak (RFC 7518 section 3.3), longer ones slow."""
LARGEST_EXPONENT = 2**32
USES_OF_SIGNATURES = frozenset({None, "sig", "jwt-svid"})
"""The `use` of keys that sign. SPIFFE bundles have their own value (SPIFFE JWT-SVID section 4.2)."""
MOST_KEYS = 20
"""The most keys in a set of one client."""

BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class InvalidKey(Exception):
    """A key that is not accepted. The text says why."""


@dataclass(frozen=True)
class PublicKey:
    """One public key. Its members `kid`, `use`, `alg` and `key_ops` are None if the JWK does not have them."""

    kty: str
    kid: str | None
    use: str | None
    alg: str | None
    key_ops: frozenset[str] | None
    key: Key
    certificate: bytes | None = None
    """The SHA-256 digest of the certificate in `x5c` (RFC 7517 section 4.7), if it can be read."""
    issuer: str | None = None
    """The issuer that the key is for, in a set of many issuers (Microsoft)."""

    @property
    def crv(self) -> str | None:
        return None if self.kty == "RSA" else str(self.key["crv"])

    def is_for(self, use: str, alg: str) -> bool:
        """Return whether the key itself allows this `use` (sig or enc) with this algorithm (RFC 7517 section 4)."""
        signs = self.key_ops is None or (use == "sig") == bool(self.key_ops & SIGNATURE_OPERATIONS)
        return signs and self.use in (USES_OF_SIGNATURES if use == "sig" else {None, use}) and self.alg in {None, alg}


def choose_keys(keys: Iterable[PublicKey], *, alg: str, kid: str | None) -> tuple[PublicKey, ...]:
    """Return the keys that may have signed with this algorithm; with a `kid`, only those with that `kid`.

    The key decides which algorithm it is for, then our table (RFC 8725 sections 3.1, 3.2).
    """
    return tuple(
        key
        for key in keys
        if (key.kty, key.crv) == KEY_OF.get(alg) and key.is_for("sig", alg) and kid in {None, key.kid}
    )


def parse_jwks(given: object) -> tuple[PublicKey, ...]:
    """Parse every key of a set that is to be registered. Raises InvalidKey for the first that is not accepted."""
    return tuple(parse_key(jwk) for jwk in _members(given, MOST_KEYS))


def parse_usable(given: object, *, most: int = MOST_KEYS) -> tuple[PublicKey, ...]:
    """Parse the supported keys of a published set, and ignore the others (RFC 7517 section 5).

    Raises InvalidKey for something that is not a set.
    """
    usable = []
    for jwk in _members(given, most):
        try:
            usable.append(parse_key(jwk))
        except InvalidKey:
            continue
    return tuple(usable)


def _members(given: object, most: int) -> list[object]:
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(keys, list):
        raise InvalidKey("must be a JWK set: an object with a list of keys")
    if not 1 <= len(keys) <= most:
        raise InvalidKey(f"must contain 1 to {most} keys")
    return keys


def parse_key(jwk: object) -> PublicKey:
    """Parse one public key. Raises InvalidKey, also for a private or symmetric one."""
    if not isinstance(jwk, dict):
        raise InvalidKey("contains a key that is not an object")
    if PRIVATE_MEMBERS & jwk.keys():
        raise InvalidKey("contains a private or symmetric key, which must be kept secret. Replace it")
    kty = str(jwk.get("kty"))
    if kty not in MEMBERS:
        raise InvalidKey(f"contains a key whose kty is not one of {', '.join(MEMBERS)}")
    about = {name: jwk.get(name) for name in ("kid", "use", "alg")}
    if not all(value is None or (isinstance(value, str) and 0 < len(value) <= 256) for value in about.values()):
        raise InvalidKey("contains a key whose kid, use or alg is not a short text")
    operations = jwk.get("key_ops")
    if not isinstance(operations, list | None):
        raise InvalidKey("contains a key whose key_ops is not a list")
    parser, needed = MEMBERS[kty]
    plain: dict[str, Any] = {name: jwk.get(name) for name in needed}
    if not all(isinstance(value, str) and BASE64URL.fullmatch(value) for value in plain.values()):
        raise InvalidKey(f"contains an {kty} key that lacks one of {', '.join(needed)}")
    if kty != "RSA" and plain["crv"] not in CURVES:
        raise InvalidKey(f"contains a key whose crv is not one of {', '.join(CURVES)}")
    try:
        if kty == "RSA":
            _require_sane_rsa(plain)
        key = parser.import_key({"kty": kty, **plain})
    except (JoseError, ValueError, TypeError):
        raise InvalidKey(f"contains an {kty} key that is malformed") from None
    key_ops = None if operations is None else frozenset(map(str, operations))
    certificate = _digest_of(jwk["x5c"]) if "x5c" in jwk else None
    issuer = str(jwk["issuer"])[:255] if "issuer" in jwk else None
    return PublicKey(kty=kty, key=key, key_ops=key_ops, certificate=certificate, issuer=issuer, **about)


def _digest_of(x5c: object) -> bytes | None:
    """Return the digest of the first certificate, which is that of the key. None if it cannot be read."""
    try:
        return read_x5c(x5c[0]).digest if isinstance(x5c, list) and x5c else None
    except InvalidCertificate:
        return None


def _require_sane_rsa(plain: dict[str, Any]) -> None:
    bits, exponent = _number(plain["n"]).bit_length(), _number(plain["e"])
    if not RSA_BITS[0] <= bits <= RSA_BITS[1]:
        raise InvalidKey(f"contains an RSA key of {bits} bits, not {RSA_BITS[0]} to {RSA_BITS[1]}")
    if not 3 <= exponent < LARGEST_EXPONENT:
        raise InvalidKey("contains an RSA key with an unusual exponent")


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
