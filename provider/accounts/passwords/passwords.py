"""Which passwords are accepted, and whether one is right."""

import re
import uuid
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from provider.accounts.passwords.breached_passwords import is_breached
from provider.accounts.store import passwords
from provider.config.settings import Settings
from provider.crypto.passwords import MAX_BYTES, cost_of, decoy, hash_password, is_password, normal_form
from provider.languages.text import Text
from provider.work import UnitOfWork

COMMON = "common_passwords.txt"
NOBODY = str(uuid.UUID(int=0))
NAMES = ("name", "given_name", "middle_name", "family_name", "nickname", "preferred_username")
"""Claims by which somebody who guesses may know the person."""
_SPOKEN = str.maketrans("013457@$!", "oleastasi")


def problem_of(settings: Settings, password: str, *, about: Iterable[str] = ()) -> Text | None:
    """What is wrong with a new password, for the person; None when it is fine (NIST SP 800-63B section 3.1.1.2).

    `about` is what an attacker would try first: the address, the name. Length and guesses count, nothing else: no rules
    on kinds of characters, no trimming, no change without a reason.
    """
    if not password:
        return Text("Enter a password.")
    normal = normal_form(password)
    text = normal.decode("utf-8", "surrogatepass")
    if len(text) < settings.password_min_length:
        return Text("Your password needs at least %(count)s characters.", count=settings.password_min_length)
    if len(normal) > MAX_BYTES:
        return Text("This password is too long. Use fewer than 1,000 characters.")
    plain = text.casefold()
    if plain in common_passwords() or plain.translate(_SPOKEN) in common_passwords() or _is_pattern(plain):
        return Text("Too many people use this password, so it is among the first to be guessed. Choose another one.")
    if _is_made_of(plain, known_words(settings, about)):
        return Text("This password is too close to your name, your address or ours. Choose another one.")
    if is_breached(settings, password):
        return Text(
            "This password is known from a data breach, so it is among the first to be guessed. Choose another one."
        )
    return None


def about_person(claims: Mapping[str, Any], address: str) -> tuple[str, ...]:
    """What somebody who guesses knows of a person: the address, and every name."""
    return (address, *(str(claims.get(name, "")) for name in NAMES))


def known_words(settings: Settings, about: Iterable[str]) -> list[str]:
    """The words that are guessed first, whole and in parts, the longest first: the person's and the installation's."""
    known = [text.casefold() for text in (settings.brand, urlsplit(settings.issuer).hostname or "", *about)]
    words = {*known, *(part for text in known for part in (*text.split("@"), *re.split(r"[\W_]+", text)))}
    return sorted((word for word in words if len(word) >= 3), key=lambda word: (-len(word), word))


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """The shipped list, lower case, one in a line."""
    return frozenset((files(__package__) / COMMON).read_text("utf-8").split())


def is_password_of(work: UnitOfWork, user_id: str | None, password: str) -> bool:
    """A wrong one takes the same time when there is no such user, one without a password, or one whose hash is older
    than the work factor is now.
    """
    cost = work.settings.bcrypt_cost
    hashed = passwords.find(work.read, user_id or NOBODY)
    if is_password(password, hashed or decoy(cost)):
        return hashed is not None
    # Each step doubles the work: one check of every cost in between is exactly what is missing.
    for missing in range(cost_of(hashed) if hashed else cost, cost):
        is_password(password, decoy(missing))
    return False


def stronger_hash(work: UnitOfWork, user_id: str, password: str) -> tuple[str, str] | None:
    """The stored hash and its successor, when the work factor was raised since; slow, so before the first write."""
    hashed = passwords.find(work.read, user_id)
    if hashed is None or cost_of(hashed) >= work.settings.bcrypt_cost:
        return None
    return hashed, hash_password(password, cost=work.settings.bcrypt_cost)


def _is_pattern(plain: str) -> bool:
    """One or two characters over and over, or a run of the alphabet or the digits."""
    if len(set(plain)) <= 2:
        return True
    steps = {ord(right) - ord(left) for left, right in pairwise(plain)}
    return steps in ({1}, {-1})


def _is_made_of(plain: str, words: Iterable[str]) -> bool:
    """Nothing but words the attacker knows, however often, with at most three characters to spare."""
    for rest in (plain, plain.translate(_SPOKEN)):
        spare = rest
        for word in words:
            spare = spare.replace(word, "")
        if len(spare) <= 3:
            return True
    return False
