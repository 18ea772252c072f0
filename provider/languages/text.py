"""Something said to a person: English where it is written, another language where it is shown."""

from datetime import datetime
from typing import Self


class Text(str):
    """A message with its values, `%(name)s` in it. As a str it is the English one, so logs and programs read that.

    With a `plural` the value `count` decides between the two. A value may be a moment, which is said as its day.
    """

    __slots__ = ("message", "plural", "values")

    message: str
    plural: str | None
    values: dict[str, object]

    def __new__(cls, message: str, plural: str | None = None, /, **values: object) -> Self:
        chosen = message if plural is None or values["count"] == 1 else plural
        spelled = {name: _english(value) for name, value in values.items()}
        text = super().__new__(cls, chosen % spelled if values else chosen)
        text.message, text.plural, text.values = message, plural, values
        return text


def _english(value: object) -> object:
    return f"{value:%-d %B %Y}" if isinstance(value, datetime) else value
