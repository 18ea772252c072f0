"""Password hashes: bcrypt over base64(SHA-384), so that neither 72 bytes nor a NUL byte matters.

Requests that call this run in a small pool of their own (`web.endpoint`, `hashes_passwords=True`): many sign-ins must
not block token requests. bcrypt releases the GIL.
"""

import base64
import hashlib
import unicodedata
from functools import lru_cache

import bcrypt

MAX_BYTES = 1024
"""The longest normal form of a password, in bytes. Longer passwords are rejected before any work is done."""
MAX_CHARACTERS = 2 * MAX_BYTES
"""The longest password as typed, in characters. The normal form of a longer text exceeds MAX_BYTES: two bytes of it
come from at most three characters.
"""


def normal_form(password: str) -> bytes:
    """Return the bytes to hash: the password in NFC, so that it is the same from any keyboard.

    It must not change while the scheme is in use. Text that is too long for a password is not normalized: that takes
    quadratic time.
    """
    text = password if len(password) > MAX_CHARACTERS else unicodedata.normalize("NFC", password)
    return text.encode("utf-8", "surrogatepass")


def _prehash(password: str) -> bytes:
    return base64.b64encode(hashlib.sha384(normal_form(password)).digest())


def hash_password(password: str, *, cost: int) -> str:
    """Return a bcrypt hash of this cost (2**cost rounds)."""
    return bcrypt.hashpw(_prehash(password), bcrypt.gensalt(cost)).decode()


def is_password(password: str, hashed: str) -> bool:
    """Return whether this is the password of the hash. The time depends only on the hash's cost."""
    return bcrypt.checkpw(_prehash(password), hashed.encode())


def cost_of(hashed: str) -> int:
    return int(hashed.split("$")[2])


@lru_cache(maxsize=4)
def decoy(cost: int) -> str:
    """Return a hash that matches no password.

    Checking a password against it makes an unknown account take as long as a known one.
    """
    # Not the hash of anything: a salt, and a sum no password reaches. Making it costs nothing, checking costs the same.
    return bcrypt.gensalt(cost).decode() + "." * 31
