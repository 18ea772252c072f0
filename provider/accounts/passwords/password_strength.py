"""How hard a new password is to guess, told while it is typed. It decides nothing: `passwords.problem_of` does."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from provider.accounts.passwords.passwords import known_words, problem_of
from provider.config.settings import Settings
from provider.crypto.passwords import normal_form
from provider.languages.text import Text

WORDS = (Text("very weak"), Text("weak"), Text("fair"), Text("good"), Text("strong"))
"""By score."""
SEEN = 40
"""Characters that are looked at. The estimate takes time by the square of their number, and more of them are stronger
only where these are strong.
"""
WAYS = 4
"""In which digits and signs may stand for letters, together: each costs another estimate. So it all takes 50 ms at most
and not six seconds.
"""
NOBODYS = 0xE000
"""The first of the characters that are nobody's (Unicode, private use)."""
_one_at_a_time = threading.Lock()


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
    return Strength(_estimate(normal_form(password).decode("utf-8", "surrogatepass"), known_words(settings, about)))


def _estimate(password: str, words: list[str]) -> int:
    # Here, for it takes 60 ms and 15 MB, and many a process is never asked.
    from zxcvbn import zxcvbn  # noqa: PLC0415
    from zxcvbn.matching import L33T_TABLE  # noqa: PLC0415

    seen = _with_few_ways(password[:SEEN], list(L33T_TABLE.values()))
    with _one_at_a_time:  # it keeps the words of a call where the next one puts its own
        return zxcvbn(seen, user_inputs=words)["score"]


def _with_few_ways(text: str, signs_of_letters: list[list[str]]) -> str:
    """Beyond WAYS, each sign in the place of which stands another that is no letter's: as hard to guess by itself."""
    kept = ""
    for sign in sorted(set(text), key=lambda sign: (not sign.isdigit(), text.index(sign))):  # dates are of digits
        if prod(max(1, sum(one in kept + sign for one in signs)) for signs in signs_of_letters) > WAYS:
            text = text.replace(sign, chr(NOBODYS + ord(sign)))
        else:
            kept += sign
    return text
