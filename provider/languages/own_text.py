"""Text that operators write in the languages of their users, such as what a scope of an API allows.

It is stored as an object of language tag to text, and shown in the language of the page, else in English, else in the
first language there is. Where it is typed as lines, each is `NAME TEXT` in English or `NAME#TAG TEXT` in another
language, as members of client metadata are tagged (OIDC Registration section 2.1). A text alone is `TEXT` or `#TAG
TEXT`.
"""

from collections.abc import Mapping
from typing import Self

from provider.languages.catalogs import ENGLISH, LANGUAGES
from provider.languages.free_text import InvalidText, clean_line

_TAGS = {tag.lower(): tag for tag in LANGUAGES}


class InvalidOwnText(ValueError):
    """Text in several languages that is not accepted. The message says why."""

    @classmethod
    def about(cls, name: str, problem: object) -> Self:
        return cls(f"{name}: {problem}" if name else str(problem))


def clean_texts(given: object, *, most: int, name: str = "") -> dict[str, str]:
    """Return the texts by language tag, as they are stored. A plain string is English.

    Raises InvalidOwnText, whose message begins with `name`.
    """
    if isinstance(given, str):
        given = {ENGLISH.tag: given}
    if not isinstance(given, Mapping):
        raise InvalidOwnText.about(name, "must be text, or an object of language tags and texts.")
    texts: dict[str, str] = {}
    for tag, text in given.items():
        known = _TAGS.get(str(tag).lower())
        if known is None:
            raise InvalidOwnText.about(name, f"{str(tag)[:40]!r} is not one of the languages {', '.join(LANGUAGES)}.")
        if not isinstance(text, str):
            raise InvalidOwnText.about(name, f"the text in {known} must be a string.")
        try:
            line = clean_line(text, most=most)
        except InvalidText as invalid:
            raise InvalidOwnText.about(name, invalid) from None
        if line:
            texts[known] = line
    return {tag: texts[tag] for tag in LANGUAGES if tag in texts}


def parse_lines(lines: str) -> dict[str, dict[str, str]]:
    """Return the texts in lines `NAME TEXT` or `NAME#TAG TEXT`, by name and tag. Raises InvalidOwnText for a line
    without text.
    """
    found: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines.splitlines(), 1):
        words = line.split(maxsplit=1)
        if not words:
            continue
        if len(words) == 1:
            raise InvalidOwnText(f"Line {number}: {words[0][:120]} has no text after it.")
        name, tag = _split(words[0])
        found.setdefault(name, {})[tag] = words[1].strip()
    return found


def format_lines(texts: Mapping[str, Mapping[str, str]]) -> str:
    """Return the lines that `parse_lines` reads."""
    return "\n".join(f"{_join(name, tag)} {text}" for name, by_tag in texts.items() for tag, text in by_tag.items())


def parse_texts(lines: str) -> dict[str, str]:
    """Return the texts in lines `TEXT`, which is English, or `#TAG TEXT`, by tag."""
    texts: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        mark, _, text = line.partition(" ")
        known = _TAGS.get(mark.removeprefix("#").lower()) if mark.startswith("#") else None
        texts[known or ENGLISH.tag] = line if known is None else text.strip()
    return texts


def format_texts(texts: Mapping[str, str]) -> str:
    """Return the lines that `parse_texts` reads."""
    return "\n".join(text if tag == ENGLISH.tag else f"#{tag} {text}" for tag, text in texts.items())


def _split(name: str) -> tuple[str, str]:
    head, _, tag = name.rpartition("#")
    known = _TAGS.get(tag.lower())
    return (name, ENGLISH.tag) if known is None or "#" not in name else (head, known)


def _join(name: str, tag: str) -> str:
    is_clear = tag == ENGLISH.tag and _split(name) == (name, ENGLISH.tag)
    return name if is_clear else f"{name}#{tag}"
