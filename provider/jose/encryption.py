"""JWE to a public key of a client (RFC 7516, RFC 7518 section 4): which algorithms, which key, and the doing. Pure.

Never compressed, whatever anybody asks for (RFC 8725 section 3.6); RSA1_5 and passwords are not among the algorithms.
"""

from collections.abc import Iterable, Mapping

from joserfc import jwe

from provider.jose.key_sets import PublicKey

RSA_OAEP_256 = "RSA-OAEP-256"
ECDH_ES = "ECDH-ES"
CURVES_OF: Mapping[str, tuple[str | None, ...]] = {
    RSA_OAEP_256: (None,),
    ECDH_ES: ("P-256", "P-384", "P-521", "X25519"),
}
"""Algorithm -> the `crv` of the keys it takes; an RSA key has none."""
ENCRYPTION_ALGORITHMS = tuple(CURVES_OF)
A256GCM = "A256GCM"
ENCRYPTION_METHODS = (A256GCM,)


def choose_key(keys: Iterable[PublicKey], alg: str) -> PublicKey | None:
    """The key to encrypt to: one that says it is for that, else one that says nothing (RFC 7517 sections 4.2, 4.4)."""
    fitting = [key for key in keys if key.crv in CURVES_OF[alg] and key.is_for("enc", alg)]
    return min(fitting, key=lambda key: (key.use is None, key.alg is None), default=None)


def encrypt(payload: str, key: PublicKey, *, alg: str, enc: str, nested: bool) -> str:
    """`nested`: the payload is a JWT itself, and the header says so (RFC 7519 section 5.2)."""
    header = {"alg": alg, "enc": enc, "typ": "JWT"}
    if nested:
        header["cty"] = "JWT"
    if key.kid is not None:
        header["kid"] = key.kid
    return jwe.encrypt_compact(header, payload, key.key, algorithms=[alg, enc])
