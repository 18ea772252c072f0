"""New opaque values, and the digests under which they are stored."""

import hashlib
import hmac
import secrets

OPAQUE_BYTES = 32
"""The bytes of a code, token, cookie, link or client secret: 256 bits cannot be guessed (RFC 6749 section 10.10)."""


def new_opaque() -> str:
    """Return a new random value: 256 bits, 43 characters of base64url."""
    return secrets.token_urlsafe(OPAQUE_BYTES)


def new_handle() -> str:
    """Return a new public identifier: 20 lower-case letters and digits, easy to select, to quote and to type in a
    shell.
    """
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(20))


def digest(value: str) -> bytes:
    """Return the SHA-256 digest by which a value is stored and found. It is enough for random values, never for
    passwords.
    """
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def same(left: bytes, right: bytes) -> bool:
    """Return whether two values are equal, in constant time."""
    return hmac.compare_digest(left, right)


def mac(secret: str, message: bytes) -> bytes:
    """Return the HMAC-SHA-256 (RFC 2104) with a shared secret."""
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), message, "sha256")


def new_number_code(digits: int = 6) -> str:
    """Return a random code of decimal digits. It is short, so the code that checks it must count failures."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


RECOVERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""The characters of recovery codes, without i, l, o, 0 and 1, which are easily misread."""


def new_recovery_code() -> str:
    """Return a code like `k3fx-9wq2-...`: 16 characters, 79 bits.

    NIST SP 800-63B section 3.1.2 asks for 64 bits to need no throttle.
    """
    letters = [secrets.choice(RECOVERY_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, 16, 4))
