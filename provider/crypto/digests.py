"""New opaque values, and the digests under which they are stored."""

import hashlib
import hmac
import secrets

OPAQUE_BYTES = 32
"""256 bits: codes, tokens, cookies, links and client secrets are beyond guessing (RFC 6749 section 10.10)."""


def new_opaque() -> str:
    """A fresh random value, 256 bits, 43 characters of base64url."""
    return secrets.token_urlsafe(OPAQUE_BYTES)


def new_handle() -> str:
    """A public name for a thing: 20 lower-case letters and digits, easy to select, to quote and to type in a shell."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(20))


def digest(value: str) -> bytes:
    """The SHA-256 digest a value is stored and found by. Enough for values that are random; never for passwords."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


def mac(secret: str, message: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) with a secret that somebody else has too."""
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), message, "sha256")


def new_number_code(digits: int = 6) -> str:
    """A code of decimal digits to be typed. Short, so whoever checks it must count failures."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


RECOVERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without i, l, o, 0 and 1, which people misread."""


def new_recovery_code() -> str:
    """A code like `k3fx-9wq2-...`: 16 characters, 79 bits (NIST SP 800-63B section 3.1.2 asks for 64 to need no
    throttle).
    """
    letters = [secrets.choice(RECOVERY_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, 16, 4))
