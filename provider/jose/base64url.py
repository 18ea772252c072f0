"""base64url without padding (RFC 7515 section 2). Pure.

The standard library needs eight calls for this, and every token and key is written and read in it.
"""

from binascii import a2b_base64, b2a_base64

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = str.maketrans("-_", "+/")


def encode(raw: bytes) -> bytes:
    """Return the bytes in base64url."""
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_TO_URL)


def decode(text: str) -> bytes:
    """Return the bytes that are written in `text`. Raises ValueError."""
    return a2b_base64(text.translate(_FROM_URL) + "==")
