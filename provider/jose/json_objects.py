"""JSON (RFC 8259): strict parsing of what other parties send (RFC 8725 section 3.7), and writing. Pure.

What is read must be UTF-8, without repeated members, NaN, Infinity or a number that is read as infinity, such as 1e400.
JSON does not tell integers from other numbers, so 3600.0 and 3.6e3 are read as 3600.
"""

import json
import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, NoReturn, TypeGuard

import orjson

LARGEST_INTEGER = 2**53
"""From here on a floating-point number may stand for several integers (RFC 8259 section 6)."""


def read_json(raw: bytes | str) -> Any:
    """Parse a JSON value. Raises ValueError."""
    text = (raw.decode("utf-8") if isinstance(raw, bytes) else raw).strip(_WHITESPACE)
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("no JSON value") from None
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def read_object(raw: bytes | str) -> dict[str, Any]:
    """Parse a JSON object. Raises ValueError."""
    found = read_json(raw)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # of what was sent, not of our types
    return found


def is_deeper(value: object, most: int) -> bool:
    """Return whether a value is nested deeper than `most` lists and objects.

    Stored values are walked by recursion many times.
    """
    level = [value]
    for _ in range(most):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def is_storable(value: object) -> bool:
    """Return whether every text in a value, also names of members, is one that a database can store and be asked for:
    without NUL and without half of a surrogate pair, both of which JSON can escape (RFC 8259 section 8.2).
    """
    level = [value]
    while level:
        texts = [text for one in level for text in _texts(one)]
        if any("\x00" in text or (not text.isascii() and _SURROGATE.search(text)) for text in texts):
            return False
        level = [inner for one in level for inner in _inside(one)]
    return True


def _texts(value: object) -> Iterable[str]:
    return (value,) if isinstance(value, str) else value if isinstance(value, dict) else ()


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        _no_number(text)
    return int(number) if number.is_integer() and abs(number) < LARGEST_INTEGER else number


def is_same(value: object, other: object) -> bool:
    """Return whether these are the same JSON value. Objects have no order. Python takes true for 1 and false for 0."""
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(is_same(value[name], other[name]) for name in value)
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(is_same, value, other))
    return isinstance(value, bool) == isinstance(other, bool) and value == other


def is_whole_number(value: object) -> TypeGuard[int]:
    """Return whether a JSON value is an integer. Python takes true and false for integers."""
    return isinstance(value, int) and not isinstance(value, bool)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a number that JSON can hold")


def write_json(value: object) -> bytes:
    """Return a value as JSON, as short as it can be. Raises TypeError for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


_SURROGATE = re.compile("[\ud800-\udfff]")
_WHITESPACE = " \t\n\r"
_decoder: Any = json.JSONDecoder(object_pairs_hook=_once, parse_float=_number, parse_constant=_no_number)
"""Made once: `json.loads` with these arguments makes one for every text."""
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once
"""Returns the value that begins at a position, and the position after it."""
