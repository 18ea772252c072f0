"""Something said to a person: English where it is written, another language where it is shown."""

from datetime import datetime
from typing import Self


class Text(str):
    """A message with its values, `%(name)s` in it. As a str it is the English one, so logs and programs read that.

    A value may be a moment, which is said as its day.
    """

    __slots__ = ("message", "plural", "values")

    message: str
    plural: str | None
    values: dict[str, object]

    def __new__(cls, message: str, /, **values: object) -> Self:
        return cls._make(message, message, None, values)

    @classmethod
    def counted(cls, message: str, plural: str, /, *, count: int, **values: object) -> Self:
        """One of two messages: `count` decides, in each language by its own rule."""
        return cls._make(message if count == 1 else plural, message, plural, {"count": count, **values})

    @classmethod
    def _make(cls, english: str, message: str, plural: str | None, values: dict[str, object]) -> Self:
        spelled = {name: _in_english(value) for name, value in values.items()}
        text = super().__new__(cls, english % spelled if values else english)
        text.message, text.plural, text.values = message, plural, values
        return text


def _in_english(value: object) -> object:
    return f"{value:%-d %B %Y}" if isinstance(value, datetime) else value
