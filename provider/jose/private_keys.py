"""Private keys as they come from outside, in PEM."""


def is_p256_key(pem: str) -> bool:
    """Return whether this is a private key for ES256 in PEM, not encrypted."""
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415  # only Apple's needs it
        SECP256R1,
        EllipticCurvePrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        return False
    return isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
