"""The values of expressions and their operators: JSON values, whole numbers of 64 bits, and a bounded size. Pure."""

import math
from collections.abc import Callable
from typing import Any

LARGEST = 65_536
"""The largest text, in characters, and the longest list or map that an expression can build."""
PER_STEP = 16
"""How many characters or items are worth a step."""
Spend = Callable[[int], None]


class EvaluationFailed(Exception):  # it is no error of Signet
    """An expression that has no value here. The message has no value of the user in it."""


def spend_for(spend: Spend, size: int) -> None:
    """Count the steps for building or searching a value. Raises EvaluationFailed if it is too large."""
    if size > LARGEST:
        raise EvaluationFailed("a value is too large")
    spend(size // PER_STEP)


def require_small(value: Any) -> None:
    """Check the size of a whole value: its texts and all that its lists and maps hold, as often as they hold it. Raises
    EvaluationFailed.

    A list literal costs a step for each entry, however large the entry is, so lists of one list may be few steps and
    very large as JSON.
    """
    left, waiting = LARGEST, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str | list | dict):
            left -= len(one) + (sum(map(len, one)) if isinstance(one, dict) else 0)
        if left < 0:
            raise EvaluationFailed("a value is too large")
        if isinstance(one, list | dict):
            waiting.extend(one if isinstance(one, list) else one.values())


def require_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise EvaluationFailed("a condition is not true or false")
    return value


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked(value: Any) -> Any:
    """Return a number. Raises EvaluationFailed if it is out of range."""
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise EvaluationFailed("a number is out of range")
    elif not math.isfinite(value):
        raise EvaluationFailed("a number is out of range")
    return value


def member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise EvaluationFailed("a member is asked of something that is no map")
    if name not in value:
        raise EvaluationFailed(f"there is no {name}")
    return value[name]


def entry(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        if not isinstance(key, str) or key not in value:
            raise EvaluationFailed("a map has no such key")
        return value[key]
    if not isinstance(value, list) or not isinstance(key, int) or isinstance(key, bool):
        raise EvaluationFailed("an index needs a list and a whole number, or a map and a text")
    if not 0 <= key < len(value):
        raise EvaluationFailed("an index is out of range")
    return value[key]


def contains(spend: Spend, of: Any, value: Any) -> bool:
    """Return whether a list has a value, or a map a key."""
    if isinstance(of, dict):
        return isinstance(value, str) and value in of
    if not isinstance(of, list):
        raise EvaluationFailed("in needs a list or a map")
    spend_for(spend, len(of))
    return any(equal(spend, one, value) for one in of) if isinstance(value, list | dict) else _has(of, value)


def _has(of: list[Any], value: Any) -> bool:
    return any(one == value and isinstance(one, bool) == isinstance(value, bool) for one in of)


def equal(spend: Spend, one: Any, other: Any) -> bool:
    """Return whether two values are equal. Numbers are compared by value; true is not 1."""
    if isinstance(one, list | dict):
        spend(1)  # also for small ones: there may be many in each other
    if isinstance(one, list) and isinstance(other, list):
        spend_for(spend, len(one))
        return len(one) == len(other) and all(equal(spend, *pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        spend_for(spend, len(one))
        return one.keys() == other.keys() and all(equal(spend, value, other[key]) for key, value in one.items())
    if isinstance(one, str) and isinstance(other, str):
        spend_for(spend, min(len(one), len(other)))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def compare(spend: Spend, sign: str, one: Any, other: Any) -> bool:
    both_texts = isinstance(one, str) and isinstance(other, str)
    if not both_texts and not (is_number(one) and is_number(other)):
        raise EvaluationFailed("only texts and numbers have an order")
    if both_texts:
        spend_for(spend, min(len(one), len(other)))
    return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[sign])


def arithmetic(spend: Spend, sign: str, one: Any, other: Any, *, negates: bool = False) -> Any:
    """Return the result of an operator on two numbers of one type, or of + on two texts or lists."""
    both = type(one) is type(other)
    if sign == "+" and both and isinstance(one, str | list):
        spend_for(spend, len(one) + len(other))
        joined: Any = one + other
        return joined
    if not is_number(one) or not is_number(other) or (not both and not negates):
        raise EvaluationFailed(f"{sign} needs two numbers of one type")
    if sign in "/%":
        return _divided(sign, one, other)
    return checked({"+": lambda: one + other, "-": lambda: one - other, "*": lambda: one * other}[sign]())


def _divided(sign: str, one: Any, other: Any) -> Any:
    if other == 0 or (sign == "%" and isinstance(one, float)):
        raise EvaluationFailed("a division by zero, or a remainder of decimals")
    if isinstance(one, float):
        return checked(one / other)
    quotient = abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)  # toward zero
    return checked(quotient if sign == "/" else one - quotient * other)
