"""Regular expressions in schemas whose cost has a bound: a part of ECMA-262 without nested repetition. Pure.

A value of an app or a user is matched against the pattern of an operator. Python's engine tries every way in which the
parts of a pattern can share the text, so the number of ways is counted when the schema is declared, for a text of
`LONGEST_TEXT` characters: `[0-9]+` has one way for each length, and two such parts have the product. Groups can be
optional but not repeated, so no way is hidden in another, and references and lookaround don't exist.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST_TEXT = 256
"""The longest text that is matched against a pattern, in characters. A longer one does not match."""
LONGEST_PATTERN = 500
MOST_WAYS = 200_000
"""The largest number of ways in which a pattern may match a text: some milliseconds."""
MOST_REPEATS = 1000

_ESCAPES = {"d": "[0-9]", "D": "[^0-9]", "w": r"[A-Za-z0-9_]", "W": r"[^A-Za-z0-9_]", "s": r"\s", "S": r"\S"}
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f", "v": r"\v"}
_IN_CLASS = {"d": "0-9", "w": "A-Za-z0-9_", "s": r"\s", "-": r"\-", **_CONTROLS}
_UNICODE = re.compile(r"u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})")
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_SYNTAX = set("\\^$.|?*+()[]{}/-")


class InvalidPattern(ValueError):
    """A pattern outside the supported part, or with more than MOST_WAYS. The message says why."""


@dataclass
class _Reader:
    """A pattern while it is read. `made` collects the same pattern in Python's syntax."""

    pattern: str
    at: int = 0
    depth: int = 0
    made: list[str] = field(default_factory=list)

    @property
    def next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        character = self.next
        self.at += 1
        return character


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern, to be used with `search`. Raises InvalidPattern."""
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidPattern(f"is longer than {LONGEST_PATTERN} characters")
    reader = _Reader(pattern)
    ways = _alternatives(reader)
    if reader.next:
        raise InvalidPattern("has a ) without a (")
    if not re.match(r"\^[^|]*\Z", pattern):  # it can begin anywhere in the text
        ways *= LONGEST_TEXT
    if ways > MOST_WAYS:
        raise InvalidPattern(
            "can match in too many ways. Begin it with ^, use fewer * and + and ranges, and limit them as in {1,20}"
        )
    try:
        return re.compile("".join(reader.made))
    except (re.error, OverflowError):
        raise InvalidPattern("is not a valid regular expression") from None


def matches(pattern: str, text: str) -> bool:
    """Return whether the text contains a match. A text of more than LONGEST_TEXT characters has none."""
    return len(text) <= LONGEST_TEXT and compile_pattern(pattern).search(text) is not None


def _alternatives(reader: _Reader) -> int:
    """Read alternatives up to a `)` or the end. Returns in how many ways they match."""
    ways = _sequence(reader)
    while reader.next == "|":
        reader.made.append(reader.take())
        ways += _sequence(reader)
    return ways


def _sequence(reader: _Reader) -> int:
    ways = 1
    while reader.next and reader.next not in "|)":
        ways = min(ways * _part(reader), MOST_WAYS * LONGEST_TEXT)
    return ways


def _part(reader: _Reader) -> int:
    """Read a character, class, anchor or group, and its quantifier. Returns in how many ways it matches."""
    character = reader.take()
    if character == "^":
        reader.made.append("^")
        return 1
    if character == "$":
        reader.made.append(r"\Z")  # in Python, $ also matches before a final line break
        return 1
    if character == "(":
        return _group(reader)
    if character == "[":
        _class(reader)
    elif character == "\\":
        reader.made.append(_escape(reader))
    elif character == ".":
        reader.made.append(r"[^\n\r]")
    elif character in "*+?{":
        raise InvalidPattern(f"has a {character} with nothing before it to repeat")
    else:
        reader.made.append(re.escape(character))
    least, most = _quantifier(reader)
    return most - least + 1


def _group(reader: _Reader) -> int:
    if reader.next == "?":
        if reader.pattern[reader.at : reader.at + 2] != "?:":
            raise InvalidPattern("has lookaround or a named group, which is not supported")
        reader.at += 2
    reader.depth += 1
    if reader.depth > 5:
        raise InvalidPattern("has groups nested more than five levels deep")
    reader.made.append("(?:")
    ways = _alternatives(reader)
    if reader.take() != ")":
        raise InvalidPattern("has a ( without a )")
    reader.made.append(")")
    reader.depth -= 1
    if reader.next == "?":
        reader.made.append(reader.take())
        ways += 1
    if reader.next and reader.next in "*+?{":
        raise InvalidPattern("repeats a group, which is not supported. Repeat single characters or classes")
    return ways


def _class(reader: _Reader) -> None:
    """Read a character class after its `[`."""
    made = ["["]
    if reader.next == "^":
        made.append(reader.take())
    while (character := reader.take()) != "]":
        if character == "":
            raise InvalidPattern("has a [ without a ]")
        if character == "\\":
            made.append(_escape(reader, in_class=True))
        elif character == made[-1] == "-":
            raise InvalidPattern("has two hyphens after one another in a character class")
        else:
            made.append("\\" + character if character in "[&~|^" else character)
    if made[-1] in {"[", "^"}:
        raise InvalidPattern("has an empty character class")
    reader.made.append("".join(made) + "]")


def _escape(reader: _Reader, *, in_class: bool = False) -> str:
    found = _UNICODE.match(reader.pattern, reader.at)
    if found is not None:
        reader.at = found.end()
        return re.escape(chr(int(found[1] or found[2], 16)))
    character = reader.take()
    known = _IN_CLASS if in_class else {**_ESCAPES, **_CONTROLS}
    if character in known:
        return known[character]
    if character not in _SYNTAX:
        raise InvalidPattern(f"has the escape \\{character}, which is not supported")
    return "\\" + character


def _quantifier(reader: _Reader) -> tuple[int, int]:
    """Read the quantifier after a character or class. Returns how often it matches, at least and at most."""
    if reader.next and reader.next in "*+?":
        character = reader.take()
        reader.made.append(character)
        least, most = {"*": (0, LONGEST_TEXT), "+": (1, LONGEST_TEXT), "?": (0, 1)}[character]
    elif reader.next == "{":
        found = _COUNT.match(reader.pattern, reader.at)
        if found is None:
            raise InvalidPattern("has a { that begins no {m}, {m,} or {m,n}")
        reader.at = found.end()
        reader.made.append(found[0])
        least = int(found[1])
        most = least if found[2] is None else int(found[3]) if found[3] else LONGEST_TEXT
        if least > MOST_REPEATS or most > MOST_REPEATS or most < least:
            raise InvalidPattern(f"repeats more than {MOST_REPEATS} times, or fewer than the least number")
        most = min(most, max(LONGEST_TEXT, least))
    else:
        return 1, 1
    if reader.next and reader.next in "*+?{":
        raise InvalidPattern("has two quantifiers after one another")
    return least, most
