"""How long a response may be kept (RFC 9111 section 4.2)."""

from datetime import UTC, datetime, timedelta

import pytest

from provider.outbound.freshness import fresh_for

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DATE, LATER, EARLIER = (f"Mon, 30 Nov 2026 {hour}:00:00 GMT" for hour in (12, 13, 11))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "public"}, None),
        ({"cache-control": "Public, Max-Age=60"}, 60),
        ({"cache-control": 'max-age="60"'}, 60),
        ({"cache-control": "max-age=60", "age": "50"}, 10),
        ({"cache-control": "max-age=60", "age": "90"}, 0),
        ({"cache-control": "max-age=60", "age": "soon"}, 60),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "s-maxage=9", "expires": LATER, "date": DATE}, 3600),
        ({"cache-control": "max-age=60, no-store"}, 0),
        ({"cache-control": "no-cache"}, 0),
        ({"expires": LATER}, 3600),
        ({"expires": LATER, "date": LATER}, 0),
        ({"expires": EARLIER}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "Mon, 99 Nov 2026 12:00:00 GMT"}, 0),
        ({"cache-control": "max-age=60", "expires": "0"}, 60),
    ],
)
def test_a_response_is_fresh_as_long_as_its_headers_say(headers: dict[str, str], seconds: int | None) -> None:
    assert fresh_for(headers, now=NOW) == (None if seconds is None else timedelta(seconds=seconds))
