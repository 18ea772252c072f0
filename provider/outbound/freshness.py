"""How long a response may be kept (RFC 9111 section 4.2). Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r'max-age="?([0-9]{1,10})"?')


def fresh_for(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Return how long a response stays fresh from now on, or None if its server does not say.

    Zero for one that must not be kept. `max-age` wins over `Expires`, and the time in other caches (`Age`) counts (RFC
    9111 sections 4.2.1 and 4.2.3). Header names are in lower case.
    """
    directives = [part.strip().lower() for part in headers.get("cache-control", "").split(",")]
    if "no-store" in directives or "no-cache" in directives:
        return timedelta(0)
    ages = [int(found[1]) for found in map(_SECONDS.fullmatch, directives) if found]
    if ages:
        age = headers.get("age", "0")
        spent = int(age) if age.isdecimal() and len(age) <= 10 else 0
        return max(timedelta(0), timedelta(seconds=ages[0] - spent))
    if "expires" in headers:
        # A date that cannot be read is one in the past (RFC 9111 section 5.3).
        ends_at = _date(headers["expires"])
        return timedelta(0) if ends_at is None else max(timedelta(0), ends_at - (_date(headers.get("date", "")) or now))
    return None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
