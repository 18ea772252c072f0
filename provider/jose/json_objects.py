"""JSON that others made, read strictly: UTF-8, one object, no member twice, no numbers that are none (RFC 8725 section
3.7). Pure.
"""

import json
from collections.abc import Iterable
from typing import Any, NoReturn


def read_object(raw: bytes) -> dict[str, Any]:
    """Raises ValueError."""
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # of what was sent, not of our types
    return found


def is_deeper(value: object, most: int) -> bool:
    """Is it nested deeper than so many lists and objects? What is kept is walked again and again, by recursion."""
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


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
