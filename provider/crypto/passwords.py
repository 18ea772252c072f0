"""Password hashes: bcrypt over base64(SHA-384), so that neither 72 bytes nor a NUL byte matters.

Requests that call this run in a small pool of their own (`web.endpoint`, `hashes_passwords=True`): a storm of
sign-ins must not starve token requests. bcrypt releases the GIL.
"""

import base64
import hashlib
import unicodedata
from functools import lru_cache

import bcrypt

MAX_BYTES = 1024
"""Of the normal form. Longer passwords are refused before any work is done."""
MAX_CHARACTERS = 2 * MAX_BYTES
"""As typed. No longer text has a normal form that fits: for every two bytes of that, three characters at most."""


def normal_form(password: str) -> bytes:
    """What counts as the password: NFC, so that it is the same when typed on another keyboard. Frozen with the scheme.

    Text that is too long to be anybody's password is left as it is: normalizing takes time by the square of its length.
    """
    text = password if len(password) > MAX_CHARACTERS else unicodedata.normalize("NFC", password)
    return text.encode("utf-8", "surrogatepass")


def _prehash(password: str) -> bytes:
    return base64.b64encode(hashlib.sha384(normal_form(password)).digest())


def hash_password(password: str, *, cost: int) -> str:
    """A bcrypt hash of this cost (2**cost rounds)."""
    return bcrypt.hashpw(_prehash(password), bcrypt.gensalt(cost)).decode()


def is_password(password: str, hashed: str) -> bool:
    """Takes the time of the hash's cost, whatever the answer."""
    return bcrypt.checkpw(_prehash(password), hashed.encode())


def cost_of(hashed: str) -> int:
    return int(hashed.split("$")[2])


@lru_cache(maxsize=4)
def decoy(cost: int) -> str:
    """A hash nobody's password has: checking against it makes an unknown account take as long as a known one."""
    # Not the hash of anything: a salt, and a sum no password reaches. Making it costs nothing, checking costs the same.
    return bcrypt.gensalt(cost).decode() + "." * 31
