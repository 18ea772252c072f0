"""Password hashes: bcrypt over base64(SHA-384), so that neither 72 bytes nor a NUL byte matters.

Requests that call this run in a small pool of their own (`web.endpoint`, `hashes_passwords=True`): many sign-ins must
not block token requests. bcrypt releases the GIL.
"""

import base64
import hashlib
import re
import string
import unicodedata
from functools import lru_cache

import bcrypt

MAX_BYTES = 1024
"""The longest normal form of a password, in bytes. Longer passwords are rejected before any work is done."""
MAX_CHARACTERS = 2 * MAX_BYTES
"""The longest password as typed, in characters. The normal form of a longer text exceeds MAX_BYTES: two bytes of it
come from at most three characters.
"""

SALT_BYTES = 16
"""The length of a bcrypt salt."""
_OWN_HASH = re.compile(r"\$2b\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")
"""A bcrypt hash. The last characters of salt and sum stand for 2 and 4 bits, so not every character may be there."""


_CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
_BCRYPT_ALPHABET = bytes.maketrans(f"{_CHARACTERS}+/".encode(), f"./{_CHARACTERS}".encode())
"""From the base64 of RFC 4648 to that of bcrypt."""
_NO_SUM = "." * 31


def normal_form(password: str) -> bytes:
    """Return the bytes to hash: the password in NFC, so that it is the same from any keyboard.

    It must not change while the scheme is in use. Text that is too long for a password is not normalized: that takes
    quadratic time.
    """
    text = password if len(password) > MAX_CHARACTERS else unicodedata.normalize("NFC", password)
    return text.encode("utf-8", "surrogatepass")


def _prehash(password: str) -> bytes:
    return base64.b64encode(hashlib.sha384(normal_form(password)).digest())


def hash_password(password: str, *, cost: int, salt: bytes | None = None) -> str:
    """Return a bcrypt hash of this cost (2**cost rounds).

    With a `salt` of SALT_BYTES, which must be unpredictable, the same password has the same hash.
    """
    return bcrypt.hashpw(_prehash(password), bcrypt.gensalt(cost) if salt is None else _salt(salt, cost)).decode()


def _salt(salt: bytes, cost: int) -> bytes:
    """Return the salt as bcrypt writes it: base64 in an alphabet of its own, without padding."""
    written = base64.b64encode(salt).rstrip(b"=").translate(_BCRYPT_ALPHABET)
    return b"$2b$%02d$%s" % (cost, written)


def is_password(password: str, hashed: str) -> bool:
    """Return whether this is the password of the hash. The time depends only on the hash's cost."""
    return bcrypt.checkpw(_prehash(password), hashed.encode())


def is_own_hash(text: str) -> bool:
    """Return whether the text has the form of a hash that `hash_password` returns.

    The hash of a program that does not use `_prehash` has the same form, and is the hash of no password here.
    """
    return _OWN_HASH.fullmatch(text) is not None


def cost_of(hashed: str) -> int:
    return int(hashed.split("$")[2])


@lru_cache(maxsize=4)
def decoy(cost: int) -> str:
    """Return a hash that matches no password.

    Checking a password against it makes an unknown account take as long as a known one.
    """
    return new_decoy(cost)


def new_decoy(cost: int) -> str:
    """Return another hash that matches no password, with a salt of its own."""
    # Not the hash of anything: a salt, and a sum no password reaches. Making it costs nothing, checking costs the same.
    return bcrypt.gensalt(cost).decode() + _NO_SUM


def is_decoy(hashed: str) -> bool:
    return hashed.endswith(_NO_SUM)
