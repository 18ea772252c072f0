"""How hard a new password is to guess, told while it is typed. It decides nothing: `passwords.problem_of` does."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from provider.accounts.passwords.passwords import known_words, problem_of
from provider.config.settings import Settings
from provider.crypto.passwords import normal_form
from provider.languages.text import Text

WORDS = (Text("very weak"), Text("weak"), Text("fair"), Text("good"), Text("strong"))
"""By score."""
LENGTH = 40
"""Characters that are looked at. The estimate takes time by the square of their number, and more of them are stronger
only where these are strong.
"""
LETTERS_OF_SIGNS = ("4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2")
"""For each letter that zxcvbn reads in the place of other signs, those signs (a, b, c, e, g, i, l, o, s, t, x, z)."""
READINGS = 4
"""In how many ways the signs of a password may be read as letters. Each costs another estimate, during which the
library lets no other thread run; without a limit, 70 characters take seconds.
"""
PRIVATE_USE = 0xE000
"""The first of the characters that Unicode assigns to nobody."""


@dataclass(frozen=True)
class Strength:
    """`score` is 0 to 4."""

    score: int

    @property
    def word(self) -> Text:
        return WORDS[self.score]


def strength_of(settings: Settings, password: str, *, about: Iterable[str]) -> Strength:
    """Of a password as it is now; one that would be refused is as weak as can be. `about` as in `problem_of`."""
    about = list(about)
    if problem_of(settings, password, about=about) is not None:
        return Strength(0)
    return Strength(_estimate(normal_form(password).decode("utf-8", "replace"), known_words(settings, about)))


def _estimate(password: str, words: list[str]) -> int:
    from zxcvbn_rs_py import zxcvbn  # noqa: PLC0415  # its word lists take 8 MB, and many a process is never asked

    return int(zxcvbn(_with_few_readings(password[:LENGTH]), [_encodable(word) for word in words]).score)


def _with_few_readings(text: str) -> str:
    """Replace signs that would give `text` more than READINGS readings by private characters, as hard to guess."""
    kept = ""
    for sign in sorted(set(text), key=lambda sign: (not sign.isdigit(), text.index(sign))):  # dates are of digits
        if prod(max(1, sum(one in kept + sign for one in signs)) for signs in LETTERS_OF_SIGNS) > READINGS:
            text = text.replace(sign, chr(PRIVATE_USE + ord(sign)))
        else:
            kept += sign
    return text


def _encodable(text: str) -> str:
    """Replace half surrogate pairs, which the library does not take."""
    return text.encode("utf-8", "replace").decode()
