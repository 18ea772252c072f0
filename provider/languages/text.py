"""Messages to users: English in the code, translated where they are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self


class Text(str):
    """A message with values, written as `%(name)s`. As a str it is the English message, for logs and programs.

    A value may be a datetime, which is shown as its date.
    """

    __slots__ = ("message", "plural", "values")

    message: str
    plural: str | None
    values: dict[str, object]

    def __new__(cls, message: str, /, **values: object) -> Self:
        return cls._make(message, message, None, values)

    @classmethod
    def counted(cls, message: str, plural: str, /, *, count: int, **values: object) -> Self:
        """Return the singular or plural message: `count` decides, by the rule of each language."""
        return cls._make(message if count == 1 else plural, message, plural, {"count": count, **values})

    @classmethod
    def _make(cls, english: str, message: str, plural: str | None, values: dict[str, object]) -> Self:
        spelled = {name: _in_english(value) for name, value in values.items()}
        text = super().__new__(cls, english % spelled if values else english)
        text.message, text.plural, text.values = message, plural, values
        return text


def _in_english(value: object) -> object:
    return f"{value:%-d %B %Y}" if isinstance(value, datetime) else value


class OwnText(Text):
    """A text of an operator, in the languages it was written in (module `own_text`). As a str it is the English one,
    else the first.
    """

    __slots__ = ("by_tag",)

    by_tag: Mapping[str, str]

    def __new__(cls, texts: Mapping[str, str]) -> Self:
        english = texts.get("en") or next(iter(texts.values()), "")
        text = cls._make(english, english, None, {})
        text.by_tag = texts
        return text

    def in_language(self, tag: str) -> str:
        """Return the text in this language, else in English, else in the first language there is."""
        return self.by_tag.get(tag) or str(self)
