"""The rule for one line of free text, such as a name: which characters it may have, and which are dropped. Pure.

Every form, API and command applies it. Names are written in every script, so letters, marks, symbols and emoji are all
accepted, also those that are newer than Python's table of characters. The length is counted in code points of the
normal form (NFC); an emoji that is a sequence counts each of its parts.

Dropped, because they show nothing and come along with pasted text: byte order marks, soft hyphens, zero width spaces,
word joiners; joiners and variation selectors that follow nothing they could join; direction marks in text that has
nothing from right to left; and a pair of direction controls around the whole text. White space becomes single spaces.
Everything else that is not accepted is refused, with its name.
"""

import re
import unicodedata
from collections.abc import Iterator

from provider.languages.text import Text

PASTED = "\ufeff\u00ad\u200b\u2060"
"""Byte order mark, soft hyphen, zero width space, word joiner."""
JOINERS = "\u200c\u200d"
"""Zero width non-joiner and joiner: Persian and Indic words, sequences of emoji."""
SELECTORS = "\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors and other characters that change only the one before them, as part of a regular expression."""
MARKS = "\u200e\u200f\u061c"
"""Direction marks: left-to-right, right-to-left, Arabic letter mark."""
OPENERS = "\u2066\u2067\u2068"
CLOSER = "\u2069"
"""Direction isolates (UAX #9 section 2.4), which are accepted in pairs."""
MOST_WRAPPINGS = 4
"""How many pairs of direction controls around the whole text are dropped. Each takes time that grows with the text."""
EMBEDDINGS = "\u202a\u202b"
END_OF_EMBEDDING = "\u202c"

# In a class of a regular expression, `\s` without the control characters that Python calls white space.
_SPACES = re.compile(r"[^\S\x1c-\x1f]+")
_USELESS = re.compile(rf"(?:^|(?<=[\s{JOINERS}]))[{JOINERS}{SELECTORS}]+|(?<=[{SELECTORS}])[{SELECTORS}]+")
# Flags of regions, such as Scotland (UTS #51 section 2.6.2). Elsewhere, tags are text that nobody sees.
_TAGGED_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
# Format characters that show nothing, and letters and symbols that look empty or stand for something lost.
_REFUSED = re.compile(
    "[\u115f\u1160\u3164\uffa0\ufffc\u202a-\u202e\u2061-\u2065\u206a-\u206f\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_BLANK = re.compile(rf"[\s\u2800{JOINERS}{MARKS}{OPENERS}{CLOSER}{SELECTORS}]*")
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")


class InvalidText(ValueError):
    """Text that is not accepted. `problem` says why, for the user."""

    def __init__(self, problem: Text) -> None:
        self.problem = problem
        super().__init__(problem)


def clean_line(text: str, *, most: int) -> str:
    """Return the text as it is stored: one line in NFC, without what is dropped. It may be empty.

    Raises InvalidText for more than `most` characters, or a character that is refused.
    """
    if text.isascii() and text.isprintable() and len(text) <= most:  # most text: nothing in it is dropped or refused
        return " ".join(text.split())
    line = _normalize(text) if len(text) <= 10 * most else None  # else unread: normalizing takes quadratic time
    if line is not None and (place := next(_refused_places(line), None)) is not None:
        raise InvalidText(Text("Remove this character: %(character)s.", character=_describe(line[place])))
    if line is None or len(line) > most:
        raise InvalidText(Text("Enter at most %(count)s characters.", count=most))
    return line


def repair_line(text: str, *, most: int) -> str:
    """Return the part of the text that is accepted, for text that nobody can be asked to correct. It may be empty."""
    line = _without_refused(_normalize(text[: 10 * most]))
    return _normalize(_without_refused(_shorten(_normalize(line), most)))


def first_character(text: str) -> str:
    """Return the first character as people see it: a letter with its marks, or a whole emoji (UAX #29 section 3)."""
    text = text.lstrip(MARKS + OPENERS)
    return text[: next(_ends(text), 0)]


def without_stray_controls(text: str) -> str:
    """Return the text without direction controls that would change the text around it. For text stored earlier."""
    stray = set(_stray_isolates(text))
    return "".join(
        character
        for place, character in enumerate(text)
        if place not in stray and not "\u202a" <= character <= "\u202e"
    )


def is_shown(character: str) -> bool:
    """Return whether the character may be part of a line, so that a terminal may print it."""
    return character in JOINERS + MARKS or not _is_refused(character)


def without_invisible(text: str) -> str:
    """Return the text without the characters that show nothing, for comparing and searching."""
    return re.sub(rf"[{PASTED}{JOINERS}{MARKS}{OPENERS}{CLOSER}{SELECTORS}]+", "", text)


def _normalize(text: str) -> str:
    text = text.translate(dict.fromkeys(map(ord, PASTED)))
    if not any(_is_right_to_left(character) for character in text):
        text = text.translate(dict.fromkeys(map(ord, MARKS)))
    text = _USELESS.sub("", text)
    for _ in range(MOST_WRAPPINGS):
        inner = _unwrapped(text)
        text = text if inner is None else inner
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip(" "))


def _unwrapped(text: str) -> str | None:
    """Return what is inside of a pair of direction controls around the whole text, or None without such a pair."""
    first, last, inner = text[:1], text[-1:], text[1:-1]
    isolated = first and first in OPENERS and last == CLOSER and not any(True for _ in _stray_isolates(inner))
    embedded = first and first in EMBEDDINGS and last == END_OF_EMBEDDING
    return inner if isolated or embedded else None


def _is_right_to_left(character: str) -> bool:
    """Return whether the character is a letter or digit of a script that is written from right to left."""
    return character not in MARKS and unicodedata.bidirectional(character) in {"R", "AL", "AN"}


def _refused_places(line: str) -> Iterator[int]:
    """Yield where in the line a character is refused."""
    if line and _BLANK.fullmatch(line):
        yield from range(len(line))
        return
    in_flags = {place for flag in _TAGGED_FLAG.finditer(line) for place in range(*flag.span())}
    stray = set(_stray_isolates(line))
    for place, character in enumerate(line):
        if place in stray or (place not in in_flags and _is_refused(character)):
            yield place


def _is_refused(character: str) -> bool:
    if character.isascii():
        return not character.isprintable()
    category = unicodedata.category(character)
    if category == "Cn":  # perhaps a letter that is newer than this table, if it is no noncharacter
        point = ord(character)
        return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF or bool(_REFUSED.match(character))
    return category in {"Cc", "Cs", "Co", "Zl", "Zp"} or bool(_REFUSED.match(character))


def _stray_isolates(text: str) -> Iterator[int]:
    """Yield the places of direction isolates that are not one of a pair."""
    opened: list[int] = []
    for place, character in enumerate(text):
        if character in OPENERS:
            opened.append(place)
        elif character == CLOSER and opened:
            opened.pop()
        elif character == CLOSER:
            yield place
    yield from opened


def _without_refused(line: str) -> str:
    refused = set(_refused_places(line))
    return "".join(character for place, character in enumerate(line) if place not in refused)


def _shorten(line: str, most: int) -> str:
    """Cut the line to at most `most` code points, and not within a character as people see it."""
    return line if len(line) <= most else line[: max((end for end in _ends(line) if end <= most), default=0)]


def _ends(text: str) -> Iterator[int]:
    """Yield where each character ends, as people see characters. An approximation of UAX #29."""
    place = 0
    while place < len(text):
        flag = _TAGGED_FLAG.match(text, place) or _REGIONAL.match(text, place)
        place = flag.end() if flag else place + 1
        while place < len(text) and _continues(text[place - 1], text[place]):
            place += 1
        yield place


def _continues(before: str, character: str) -> bool:
    return (
        before == "\u200d"
        or character in JOINERS
        or unicodedata.category(character) in {"Mn", "Mc", "Me"}
        or _SKIN_TONES.match(character) is not None
    )


def _describe(character: str) -> str:
    code = f"{ord(character):04X}"
    if name := unicodedata.name(character, ""):
        return f"U+{code} {name}"
    if unicodedata.category(character) == "Cc":
        return Text("U+%(code)s (a control character)", code=code)
    if unicodedata.category(character) == "Co":
        return Text("U+%(code)s (a private-use character)", code=code)
    return Text("U+%(code)s (not a character)", code=code)
