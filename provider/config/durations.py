"""Durations in the notation that operators write."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    """Parse a duration: `90` and `90s` are seconds, `10m` minutes, `24h` hours, `14d` days. ISO 8601 durations are
    valid too.
    """
    if isinstance(value, str) and value:
        number, unit = (value[:-1], value[-1]) if value[-1] in _UNITS else (value, "s")
        try:
            return timedelta(seconds=float(number) * _UNITS[unit])
        except OverflowError:
            raise ValueError("is too long; it must be a duration, such as 90s, 10m, 24h or 14d") from None
        except ValueError:
            return value
    return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("must not be negative")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_not_negative)]
