"""Durations in the notation that operators write."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    """Parse a duration: `90` and `90s` are seconds, `10m` minutes, `24h` hours, `14d` days. ISO 8601 durations are
    valid too.
    """
    if isinstance(value, str) and value:
        number, unit = (value[:-1], value[-1]) if value[-1] in _UNITS else (value, "s")
        try:
            return timedelta(seconds=float(number) * _UNITS[unit])
        except ValueError:
            return value
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))]
