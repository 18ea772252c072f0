"""Encryption of JWEs to a client's public key (RFC 7516, RFC 7518 section 4): algorithms and choice of the key. Pure.

Content is never compressed, even on request (RFC 8725 section 3.6). RSA1_5 and passwords are not among the algorithms.
"""

from collections.abc import Iterable

from joserfc import jwe

from provider.jose.algorithms import CURVES_OF
from provider.jose.key_sets import PublicKey


def choose_key(keys: Iterable[PublicKey], alg: str) -> PublicKey | None:
    """Return the key to encrypt to, or None.

    A key that names this use and algorithm is preferred to one that names none (RFC 7517 sections 4.2, 4.4).
    """
    fitting = [key for key in keys if key.crv in CURVES_OF[alg] and key.is_for("enc", alg)]
    return min(fitting, key=lambda key: (key.use is None, key.alg is None), default=None)


def encrypt(payload: str, key: PublicKey, *, alg: str, enc: str, nested: bool) -> str:
    """Encrypt a payload to this key and return the compact JWE.

    `nested`: the payload is a JWT itself, and the header says so (RFC 7519 section 5.2).
    """
    header = {"alg": alg, "enc": enc, "typ": "JWT"}
    if nested:
        header["cty"] = "JWT"
    if key.kid is not None:
        header["kid"] = key.kid
    return jwe.encrypt_compact(header, payload, key.key, algorithms=[alg, enc])
