"""An estimate of how hard a new password is to guess, shown while it is typed. `passwords.problem_of` decides."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from provider.accounts.passwords.passwords import known_words, problem_of
from provider.config.settings import Settings
from provider.crypto.passwords import normal_form
from provider.languages.text import Text

WORDS = (Text("very weak"), Text("weak"), Text("fair"), Text("good"), Text("strong"))
"""The words for each score, 0 to 4."""
LENGTH = 40
"""The number of characters that are estimated. The estimate takes quadratic time, and further characters matter
only where these are strong already.
"""
LETTERS_OF_SIGNS = ("4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2")
"""The signs that zxcvbn reads as each of the letters a, b, c, e, g, i, l, o, s, t, x, z."""
READINGS = 4
"""The most ways in which the signs of a password may be read as letters. Each costs another estimate, during which
the library blocks all other threads. Without a limit, 70 characters take seconds.
"""
PRIVATE_USE = 0xE000
"""The first code point of Unicode's private use area."""


@dataclass(frozen=True)
class Strength:
    """The strength of a password. `score` is 0 (weakest) to 4."""

    score: int

    @property
    def word(self) -> Text:
        return WORDS[self.score]


def strength_of(settings: Settings, password: str, *, about: Iterable[str]) -> Strength:
    """Estimate the strength of a password; one that would be rejected scores 0. `about` is as in `problem_of`."""
    about = list(about)
    if problem_of(settings, password, about=about) is not None:
        return Strength(0)
    return Strength(_estimate(normal_form(password).decode("utf-8", "replace"), known_words(settings, about)))


def _estimate(password: str, words: list[str]) -> int:
    from zxcvbn_rs_py import zxcvbn  # noqa: PLC0415  # its word lists take 8 MB, and many a process is never asked

    return int(zxcvbn(_with_few_readings(password[:LENGTH]), [_encodable(word) for word in words]).score)


def _with_few_readings(text: str) -> str:
    """Replace signs that would give `text` more than READINGS readings with equally strong private characters."""
    kept = ""
    for sign in sorted(set(text), key=lambda sign: (not sign.isdigit(), text.index(sign))):  # dates are of digits
        if prod(max(1, sum(one in kept + sign for one in signs)) for signs in LETTERS_OF_SIGNS) > READINGS:
            text = text.replace(sign, chr(PRIVATE_USE + ord(sign)))
        else:
            kept += sign
    return text


def _encodable(text: str) -> str:
    """Replace unpaired surrogates, which the library does not accept."""
    return text.encode("utf-8", "replace").decode()
