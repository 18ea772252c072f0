"""The rules of an attribute, by its type: they are checked when the attribute is declared."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from provider.accounts.attributes.kinds import LONGEST_ITEM, LONGEST_TEXT, MOST_ITEMS, Kind, is_date
from provider.jose.json_objects import is_whole_number
from provider.jose.json_schemas import InvalidSchema, check_schema
from provider.jose.patterns import LONGEST_TEXT as LONGEST_MATCHED
from provider.jose.patterns import InvalidPattern, compile_pattern
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.own_text import InvalidOwnText, clean_texts

MOST_VALUES = 200
LONGEST_VALUE = 100
LONGEST_LABEL = 100

RULES: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("min_length", "max_length", "pattern"),
    Kind.NUMBER: ("min", "max", "whole"),
    Kind.BOOLEAN: (),
    Kind.DATE: ("min", "max"),
    Kind.ENUM: ("values",),
    Kind.LIST: ("min_items", "max_items", "min_length", "max_length", "pattern", "values"),
    Kind.JSON: ("json_schema",),
}
"""The rules that each type can have."""


class InvalidRule(ValueError):
    """An invalid rule. The message names it and says why."""


def parse_rules(kind: Kind, given: object) -> dict[str, Any]:
    """Return the rules as they are stored, without those that are null. Raises InvalidRule."""
    if not isinstance(given, Mapping):
        raise InvalidRule("must be an object.")
    known = RULES[kind]
    unknown = sorted(str(name) for name in given.keys() - set(known))
    if unknown:
        allowed = ", ".join(known) or "none"
        raise InvalidRule(f"{unknown[0][:60]} is not a rule of the type {kind}. Its rules: {allowed}.")
    rules = {name: _parse(kind, name, given[name]) for name in known if given.get(name) is not None}
    for needed in ("values",) if kind is Kind.ENUM else ("json_schema",) if kind is Kind.JSON else ():
        if needed not in rules or (needed == "values" and not rules[needed]):
            raise InvalidRule(f"{needed} is missing. The type {kind} needs it.")
    for least, most in (("min", "max"), ("min_length", "max_length"), ("min_items", "max_items")):
        if least in rules and most in rules and rules[least] > rules[most]:
            raise InvalidRule(f"{least} must not be more than {most}.")
    longest = rules.get("max_length", LONGEST_TEXT if kind is Kind.TEXT else LONGEST_ITEM)
    if "pattern" in rules and longest > LONGEST_MATCHED:
        if "max_length" in rules:
            raise InvalidRule(f"max_length must be at most {LONGEST_MATCHED} with a pattern.")
        rules["max_length"] = LONGEST_MATCHED
    return rules


def _parse(kind: Kind, name: str, value: object) -> Any:
    return _PARSERS[name](kind, name, value)


def _length(kind: Kind, name: str, value: object) -> int:
    return _count(name, value, LONGEST_TEXT if kind is Kind.TEXT else LONGEST_ITEM)


def _items(_kind: Kind, name: str, value: object) -> int:
    return _count(name, value, MOST_ITEMS)


def _count(name: str, value: object, most: int) -> int:
    if not is_whole_number(value) or not 1 <= value <= most:
        raise InvalidRule(f"{name} must be a whole number from 1 to {most}.")
    return value


def _limit(kind: Kind, name: str, value: object) -> Any:
    if kind is Kind.DATE:
        if not isinstance(value, str) or not is_date(value):
            raise InvalidRule(f"{name} must be a date, such as 2026-11-21.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidRule(f"{name} must be a number.")
    return value


def _whole(_kind: Kind, name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidRule(f"{name} must be true or false.")
    return value


def _pattern(_kind: Kind, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidRule(f"{name} must be a string.")
    try:
        compile_pattern(value)
    except InvalidPattern as invalid:
        raise InvalidRule(f"the pattern {value[:60]!r} {invalid}.") from None
    return value


def _values(_kind: Kind, name: str, value: object) -> dict[str, dict[str, str]]:
    """Parse the allowed values: a list, or an object of value to label."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = {one: {} for one in value}
    if not isinstance(value, Mapping) or len(value) > MOST_VALUES:
        raise InvalidRule(f"{name} must be a list of at most {MOST_VALUES} texts, or an object of texts and labels.")
    found = {}
    for each, label in value.items():
        try:
            if not each or clean_line(str(each), most=LONGEST_VALUE) != each:
                raise InvalidRule(f"{name}: {str(each)[:60]!r} must be one line without spaces around it.")
            found[each] = clean_texts(label or {}, most=LONGEST_LABEL, name=each)
        except (InvalidText, InvalidOwnText) as invalid:
            raise InvalidRule(f"{name}: {invalid}") from None
    return found


def _schema(_kind: Kind, name: str, value: object) -> dict[str, Any]:
    try:
        return check_schema(value)
    except InvalidSchema as invalid:
        raise InvalidRule(f"{name}: {invalid}.") from None


_PARSERS: Mapping[str, Callable[[Kind, str, object], Any]] = {
    "min_length": _length,
    "max_length": _length,
    "min_items": _items,
    "max_items": _items,
    "min": _limit,
    "max": _limit,
    "whole": _whole,
    "pattern": _pattern,
    "values": _values,
    "json_schema": _schema,
}
