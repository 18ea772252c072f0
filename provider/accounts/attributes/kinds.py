"""The types of attributes: which JSON values each has, their rules, and the values as text in forms.

A value is checked when it is written. When the rules of an attribute change, values that were stored before stay, and
are compared with the new rules where they are shown.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from math import isfinite
from typing import Any

from provider.accounts.store.user_attributes import Attribute
from provider.database.types import search_key
from provider.jose.json_objects import LARGEST_INTEGER, is_deeper, is_whole_number, read_json, write_json
from provider.jose.json_schemas import problem_with_value
from provider.jose.patterns import matches
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.text import OwnText, Text
from provider.typed_codes import fold

LONGEST_TEXT = 1000
LONGEST_ITEM = 200
MOST_ITEMS = 50
LONGEST_JSON, DEEPEST_JSON = 4000, 8
"""The most characters and levels of a JSON value. It may be a claim of every ID token."""


class Kind(StrEnum):
    """The type of an attribute."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    ENUM = "enum"
    LIST = "list"
    JSON = "json"

    @property
    def can_be_searched(self) -> bool:
        """Whether users can be found by a value: it is a single one."""
        return self not in {Kind.LIST, Kind.JSON}


class InvalidValue(ValueError):
    """A value that is not accepted. `problem` says why, for whom it was typed."""

    def __init__(self, problem: Text) -> None:
        self.problem = problem
        super().__init__(problem)


NOT_TEXT = Text("This must be text.")
NOT_A_NUMBER = Text("Enter a number, like 12 or 3.5.")
NOT_WHOLE = Text("Enter a whole number.")
NOT_A_BOOLEAN = Text("Choose yes or no.")
NOT_A_DATE = Text("Enter a date, for example 2026-11-21.")
NO_SUCH_OPTION = Text("Choose one of the options.")
NOT_A_LIST = Text("This must be a list of texts.")
NOT_JSON = Text("Enter valid JSON.")
WRONG_FORM = Text("This doesn't have the expected format.")
YES, NO = Text("Yes"), Text("No")


def check(attribute: Attribute, value: object) -> Any:
    """Return the JSON value as it is stored, or None for an empty one. Raises InvalidValue."""
    if value is None:
        return None
    return _CHECKS[Kind(attribute.type)](attribute.rules, value)


def problem_with(attribute: Attribute, value: object) -> Text | None:
    """Return why a stored value does not conform to the rules as they are now, or None."""
    try:
        check(attribute, value)
    except InvalidValue as invalid:
        return invalid.problem
    return None


def from_text(attribute: Attribute, text: str) -> Any:
    """Return the JSON value that is typed in a form, or None for an empty one. Raises InvalidValue."""
    text = text.strip()
    kind = Kind(attribute.type)
    if not text:
        return None
    if kind is Kind.NUMBER:
        return check(attribute, _number_in(text))
    if kind is Kind.BOOLEAN:
        return check(attribute, {"true": True, "false": False}.get(text.lower(), text))
    if kind is Kind.DATE:
        return check(attribute, fold(text))
    if kind is Kind.LIST:
        return check(attribute, text.splitlines())
    if kind is Kind.JSON:
        if len(text) > 10 * LONGEST_JSON:
            raise InvalidValue(Text("Enter at most %(count)s characters.", count=LONGEST_JSON))
        try:
            return check(attribute, read_json(text))
        except InvalidValue:
            raise
        except ValueError:
            raise InvalidValue(NOT_JSON) from None
    return check(attribute, text)


def to_text(value: object) -> str:
    """Return a stored value as `from_text` reads it. None is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return write_json(value).decode()


def in_words(attribute: Attribute, value: object) -> tuple[Text | str, ...]:
    """Return a stored value as pages show it: a text, or several for a list."""
    if isinstance(value, bool):
        return (YES if value else NO,)
    labels = attribute.rules.get("values") or {}
    texts = to_text(value).splitlines()
    return tuple(OwnText(labels[text]) if labels.get(text) else text for text in texts)


def key_of(attribute: Attribute, value: object) -> str | None:
    """Return what users are found by, or None for what has no single value."""
    if value is None or not Kind(attribute.type).can_be_searched:
        return None
    return search_key(to_text(value))


def _number_in(text: str) -> object:
    text = fold(text)
    if not re.fullmatch(r"[+-]?[0-9]{1,16}(\.[0-9]{1,16})?", text):
        raise InvalidValue(NOT_A_NUMBER)
    return float(text) if "." in text else int(text)


def _text(rules: Mapping[str, Any], value: object) -> str | None:
    return _line(rules, value, usual=LONGEST_TEXT)


def _line(rules: Mapping[str, Any], value: object, *, usual: int) -> str | None:
    if not isinstance(value, str):
        raise InvalidValue(NOT_TEXT)
    try:
        line = clean_line(value, most=rules.get("max_length", usual))
    except InvalidText as invalid:
        raise InvalidValue(invalid.problem) from None
    if not line:
        return None
    least = rules.get("min_length", 0)
    if len(line) < least:
        raise InvalidValue(Text("Enter at least %(count)s characters.", count=least))
    pattern = rules.get("pattern")
    if pattern is not None and not matches(pattern, line):
        raise InvalidValue(WRONG_FORM)
    return line


def _number(rules: Mapping[str, Any], value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidValue(NOT_A_NUMBER)
    if abs(value) >= LARGEST_INTEGER:
        raise InvalidValue(NOT_A_NUMBER)
    value = int(value) if float(value).is_integer() else value
    if rules.get("whole") and not is_whole_number(value):
        raise InvalidValue(NOT_WHOLE)
    _require_between(rules, value)
    return value


def _boolean(_rules: Mapping[str, Any], value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(NOT_A_BOOLEAN)
    return value


def _date(rules: Mapping[str, Any], value: object) -> str:
    if not isinstance(value, str) or not is_date(value):
        raise InvalidValue(NOT_A_DATE)
    _require_between(rules, value)
    return value


def is_date(text: str) -> bool:
    """Return whether this is a date such as `2026-11-21`."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _require_between(rules: Mapping[str, Any], value: Any) -> None:
    least, most = rules.get("min"), rules.get("max")
    if least is not None and value < least:
        raise InvalidValue(Text("This must be %(least)s or more.", least=least))
    if most is not None and value > most:
        raise InvalidValue(Text("This must be %(most)s or less.", most=most))


def _enum(rules: Mapping[str, Any], value: object) -> str:
    if not isinstance(value, str) or value not in rules["values"]:
        raise InvalidValue(NO_SUCH_OPTION)
    return value


def _list(rules: Mapping[str, Any], value: object) -> list[str] | None:
    if not isinstance(value, list):
        raise InvalidValue(NOT_A_LIST)
    most, least, known = rules.get("max_items", MOST_ITEMS), rules.get("min_items", 0), rules.get("values")
    if len(value) > 10 * MOST_ITEMS:
        raise InvalidValue(Text("Enter at most %(count)s values.", count=most))
    lines = (_line(rules, one, usual=LONGEST_ITEM) for one in value)
    items = list(dict.fromkeys(line for line in lines if line))
    if not items:
        return None
    if len(items) > most:
        raise InvalidValue(Text("Enter at most %(count)s values.", count=most))
    if len(items) < least:
        raise InvalidValue(Text("Enter at least %(count)s values.", count=least))
    if known and not known.keys() >= set(items):
        raise InvalidValue(NO_SUCH_OPTION)
    return items


def _json(rules: Mapping[str, Any], value: object) -> Any:
    try:
        is_long = is_deeper(value, DEEPEST_JSON) or len(write_json(value)) > LONGEST_JSON
    except ValueError:  # it has a lone surrogate
        raise InvalidValue(NOT_JSON) from None
    if is_long:
        raise InvalidValue(Text("Enter at most %(count)s characters.", count=LONGEST_JSON))
    problem = problem_with_value(rules["json_schema"], value)
    if problem is not None:
        raise InvalidValue(Text("This doesn't conform to the schema: %(problem)s.", problem=problem))
    return value


_CHECKS = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.ENUM: _enum,
    Kind.LIST: _list,
    Kind.JSON: _json,
}
