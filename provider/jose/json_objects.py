"""Strict parsing of JSON from other parties (RFC 8725 section 3.7). Pure.

It must be UTF-8 and one object, without repeated members, NaN or Infinity.
"""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any, NoReturn


def read_object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object. Raises ValueError.

    Numbers such as 1e400, which Python would read as infinity, are invalid too.
    """
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_float=_finite, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
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


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a number that JSON can hold")
