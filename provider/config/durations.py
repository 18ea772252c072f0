"""Durations in the notation that operators write."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from provider.config.notation import Notation

LONGEST = timedelta(days=36500)
SHORTEST_RETENTION = timedelta(days=7)
LONGEST_RETENTION = timedelta(days=3650)
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


def _in_range(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("must not be negative")
    if value > LONGEST:  # no date is so far from now that it cannot be written
        raise ValueError(f"must be at most {LONGEST.days}d")
    return value


def _retention(value: timedelta) -> timedelta:
    if value and not SHORTEST_RETENTION <= value <= LONGEST_RETENTION:
        raise ValueError(f"must be 0 or from {SHORTEST_RETENTION.days}d to {LONGEST_RETENTION.days}d")
    return value


def format_duration(value: timedelta) -> str:
    """Return a duration as operators write it, in the largest unit that leaves no remainder: `90s`, `10m`, `14d`."""
    seconds = value.total_seconds()
    for unit, length in reversed(_UNITS.items()):
        if seconds and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds) if seconds.is_integer() else seconds}s"


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_in_range), Notation("duration")]
Retention = Annotated[Duration, AfterValidator(_retention)]
"""How long something is kept; 0 is forever. The lower bound refuses a number of days without its unit: `365` is 365
seconds.
"""

Seconds = Annotated[float, Notation("number of seconds")]
