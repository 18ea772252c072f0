"""Codes as people type, paste and dictate them, read as they were meant. Pure.

Phones and keyboards write digits of other scripts, full-width letters, other dashes and spaces. People paste a code
with the words around it, or with its list number. Nothing of this is a wrong code.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LONGEST = 1000
"""The longest text in which a code is looked for, in characters."""

# Letters that look the same on a Cyrillic or Turkish keyboard.
_LOOK_ALIKES = str.maketrans("авекмнорстухѕіјı", "abekmhopctyxsiji")


def fold(text: str) -> str:
    """Return the text with compatibility forms, such as full-width letters, replaced and every digit as ASCII.

    Characters that show nothing are left out, and every dash is a hyphen (Unicode NFKC, general categories Nd, Pd, Cf).
    """
    return "".join(map(_fold_one, unicodedata.normalize("NFKC", text[:LONGEST])))


@dataclass(frozen=True, kw_only=True)
class CodeFormat:
    """A kind of code: its characters, how many it has, and which others people read them as."""

    alphabet: str
    length: int
    misread: Mapping[str, str] = field(default_factory=dict)
    """Characters outside the alphabet that can only stand for one in it, such as the letter O in a code of digits."""

    def read(self, typed: str) -> str | None:
        """Return the code as it was issued, without separators, or None if the text does not contain exactly one."""
        if len(typed) > LONGEST:
            return None
        folded = fold(typed).lower().translate(_LOOK_ALIKES)
        # Whatever joins the parts of a code is within the line of a code; the rest separates words.
        words = re.findall(r"\w+|[^\w\s.\-]", folded.replace("_", " "))
        whole = self._as_code("".join(word for word in words if word.isalnum()))
        if whole is not None:
            return whole
        found = set(self._within(words))
        return found.pop() if len(found) == 1 else None

    def _within(self, words: list[str]) -> Iterator[str]:
        """Yield the codes that whole words make up, one or several in a row."""
        own = self.alphabet.lower()
        for start in range(len(words)):
            text = ""
            for word in words[start:]:
                # A word without a character of a code belongs to the sentence around it.
                if len(text) >= self.length or not any(character in own for character in word):
                    break
                text += word
                if (code := self._as_code(text)) is not None:
                    yield code

    def _as_code(self, text: str) -> str | None:
        if len(text) != self.length:
            return None
        meant = {character.lower(): character for character in self.alphabet} | dict(self.misread)
        code = "".join(meant.get(character, "") for character in text)
        return code if len(code) == self.length else None


DIGITS = CodeFormat(alphabet="0123456789", length=6, misread={"o": "0", "i": "1", "l": "1"})
"""Codes in emails and of authenticator apps."""


def _fold_one(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character == "\u2212":  # the minus sign
        return "-"
    return "" if category in {"Cf", "Mn"} else character
