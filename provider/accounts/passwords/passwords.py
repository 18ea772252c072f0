"""The rules for accepted passwords, and checking whether a password is right."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from provider.accounts.passwords import imported_hashes
from provider.accounts.passwords.breached_passwords import is_breached
from provider.accounts.store import passwords
from provider.config.settings import Settings
from provider.config.sign_up import NAME_CLAIMS
from provider.crypto.passwords import (
    MAX_BYTES,
    cost_of,
    decoy,
    hash_password,
    is_password,
    normal_form,
)
from provider.database.base import NOBODY
from provider.languages.text import Text
from provider.work import UnitOfWork

COMMON = "common_passwords.txt"
_SPOKEN = str.maketrans("013457@$!", "oleastasi")


def problem_of(settings: Settings, password: str, *, about: Iterable[str] = ()) -> Text | None:
    """Return what is wrong with a new password, for the user; None if it is accepted.

    `about` is what an attacker would try first: the address, the name. Only length and guessability count (NIST SP
    800-63B section 3.1.1.2). There are no rules on kinds of characters, no trimming and no forced changes.
    """
    if not password:
        return Text("Enter a password.")
    normal = normal_form(password)
    text = normal.decode("utf-8", "surrogatepass")
    if len(text) < settings.password_min_length:
        return Text("Your password must have at least %(count)s characters.", count=settings.password_min_length)
    if len(normal) > MAX_BYTES:
        return Text("This password is too long. Use fewer than 1,000 characters.")
    plain = text.casefold()
    if plain in common_passwords() or plain.translate(_SPOKEN) in common_passwords() or _is_pattern(plain):
        return Text("This password is too common and easy to guess. Choose a different one.")
    if _is_made_of(plain, known_words(settings, about)):
        return Text(
            "This password is too similar to your name, your email address or this site's name. Choose a different one."
        )
    if is_breached(settings, password):
        return Text("This password appeared in a data breach. Choose a different one.")
    return None


def about_person(claims: Mapping[str, Any], address: str) -> tuple[str, ...]:
    """Return what an attacker may know about a user: the address and every name."""
    return (address, *(str(claims.get(name, "")) for name in NAME_CLAIMS))


def known_words(settings: Settings, about: Iterable[str]) -> list[str]:
    """Return the words that are guessed first, whole and in parts, longest first.

    They come from `about`, the brand and the issuer's host.
    """
    known = [text.casefold() for text in (settings.brand, urlsplit(settings.issuer).hostname or "", *about)]
    words = {*known, *(part for text in known for part in (*text.split("@"), *re.split(r"[\W_]+", text)))}
    return sorted((word for word in words if len(word) >= 3), key=lambda word: (-len(word), word))


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Return the list of common passwords that ships with Signet, in lower case."""
    return frozenset((files(__package__) / COMMON).read_text("utf-8").split())


def is_password_of(work: UnitOfWork, user_id: str | None, password: str) -> bool:
    """Return whether this is the user's password.

    A wrong password takes the same time if there is no such user, or no password, or an old hash with a lower work
    factor, or the hash of another system, unless that costs more than ours (`imported_hashes`).
    """
    cost = work.settings.bcrypt_cost
    stored = passwords.find_stored(work.read, user_id or NOBODY)
    if (imported := imported_hashes.imported_hash(stored)) is not None:
        return imported_hashes.is_password(work, user_id or NOBODY, imported, password)
    hashed = None if stored is None else stored.hash
    if is_password(password, hashed or decoy(cost)):
        return hashed is not None
    # Each step doubles the work: one check of every cost in between is exactly what is missing.
    for missing in range(cost_of(hashed) if hashed else cost, cost):
        is_password(password, decoy(missing))
    return False


def stronger_hash(work: UnitOfWork, user_id: str, password: str) -> tuple[str, str] | None:
    """Return the stored hash and its replacement if the work factor was raised since, or if the hash is that of another
    system; else None.

    The password must be right. Hashing is slow, so call this before the first write.
    """
    stored = passwords.find_stored(work.read, user_id)
    is_imported = imported_hashes.imported_hash(stored) is not None
    if stored is None or (not is_imported and cost_of(stored.hash) >= work.settings.bcrypt_cost):
        return None
    return stored.hash, hash_password(password, cost=work.settings.bcrypt_cost)


def _is_pattern(plain: str) -> bool:
    """Return whether the text repeats one or two characters, or is a run of the alphabet or of digits."""
    if len(set(plain)) <= 2:
        return True
    steps = {ord(right) - ord(left) for left, right in pairwise(plain)}
    return steps in ({1}, {-1})


def _is_made_of(plain: str, words: Iterable[str]) -> bool:
    """Return whether at most three characters are left after removing the words, however often each occurs."""
    for rest in (plain, plain.translate(_SPOKEN)):
        spare = rest
        for word in words:
            spare = spare.replace(word, "")
        if len(spare) <= 3:
            return True
    return False
