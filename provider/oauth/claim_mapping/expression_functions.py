"""The functions of expressions. Each takes what counts steps, and its arguments; a method takes its value first. Pure.

Those on texts and lists beyond the core of the language are named as in its extension libraries.
"""

from collections.abc import Callable
from typing import Any

from provider.oauth.claim_mapping.expression_values import EvaluationFailed, Spend, checked, is_number, spend_for

MOST_PARTS = 1000
"""How many parts `split` returns at most."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise EvaluationFailed("a function needs a text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise EvaluationFailed("a function needs a whole number")
    return value


def _size(_spend: Spend, value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise EvaluationFailed("size() needs a text, a list or a map")
    return len(value)


def _string(_spend: Spend, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) or is_number(value):
        return str(value)
    raise EvaluationFailed("string() needs a text, a number or true or false")


def _int(_spend: Spend, value: Any) -> int:
    if isinstance(value, str):
        if len(value) > 20 or not value.lstrip("-").isascii() or not value.lstrip("-").isdigit():
            raise EvaluationFailed("int() needs a whole number as text")
        return int(checked(int(value)))
    if not is_number(value):
        raise EvaluationFailed("int() needs a number or a text")
    return int(checked(int(value)))


def _double(_spend: Spend, value: Any) -> float:
    if isinstance(value, str) and len(value) > 40:
        raise EvaluationFailed("double() needs a number as text")
    if not isinstance(value, str) and not is_number(value):
        raise EvaluationFailed("double() needs a number or a text")
    return float(checked(float(value)))


def _searching(test: Callable[[str, str], bool]) -> Callable[..., bool]:
    def search(spend: Spend, value: Any, other: Any) -> bool:
        spend_for(spend, len(_text(value)))
        return test(value, _text(other))

    return search


def _changing(change: Callable[[str], str]) -> Callable[..., str]:
    def changed(spend: Spend, value: Any) -> str:
        spend_for(spend, len(_text(value)))
        return change(value)

    return changed


def _replace(spend: Spend, value: Any, old: Any, new: Any) -> str:
    text, found = _text(value), _text(value).count(_text(old))
    spend_for(spend, len(text) + found * len(_text(new)))
    return text.replace(old, new)


def _split(spend: Spend, value: Any, separator: Any) -> list[str]:
    spend_for(spend, len(_text(value)))
    if not _text(separator):
        raise EvaluationFailed("split() needs a separator")
    return value.split(separator, MOST_PARTS - 1)  # type: ignore[no-any-return]


def _join(spend: Spend, value: Any, separator: Any = "") -> str:
    if not isinstance(value, list):
        raise EvaluationFailed("join() needs a list of texts")
    spend_for(spend, sum(len(_text(one)) + len(_text(separator)) for one in value))
    return str(separator).join(value)


def _substring(spend: Spend, value: Any, start: Any, end: Any = None) -> str:
    text = _text(value)
    last = len(text) if end is None else _whole(end)
    if not 0 <= _whole(start) <= last <= len(text):
        raise EvaluationFailed("an index is out of range")
    spend_for(spend, last - start)
    return text[start:last]


def _index_of(spend: Spend, value: Any, other: Any) -> int:
    spend_for(spend, len(_text(value)))
    return int(value.find(_text(other)))


def _distinct(spend: Spend, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise EvaluationFailed("a function needs a list of texts")
    spend_for(spend, len(value))
    return list(dict.fromkeys(_text(one) for one in value))


Function = tuple[Callable[..., Any], tuple[int, ...]]
FUNCTIONS: dict[str, Function] = {
    "size": (_size, (1,)),
    "string": (_string, (1,)),
    "int": (_int, (1,)),
    "double": (_double, (1,)),
}
"""The functions by name, with the numbers of arguments that each takes."""
METHODS: dict[str, Function] = {
    "size": (_size, (0,)),
    "startsWith": (_searching(str.startswith), (1,)),
    "endsWith": (_searching(str.endswith), (1,)),
    "contains": (_searching(lambda text, other: other in text), (1,)),
    "lowerAscii": (_changing(lambda text: "".join(one.lower() if one.isascii() else one for one in text)), (0,)),
    "upperAscii": (_changing(lambda text: "".join(one.upper() if one.isascii() else one for one in text)), (0,)),
    "trim": (_changing(str.strip), (0,)),
    "replace": (_replace, (2,)),
    "split": (_split, (1,)),
    "join": (_join, (0, 1)),
    "substring": (_substring, (1, 2)),
    "indexOf": (_index_of, (1,)),
    "distinct": (_distinct, (0,)),
    "sort": (lambda spend, value: sorted(_distinct(spend, value)), (0,)),
}
"""The methods by name, with the numbers of arguments besides their value."""
