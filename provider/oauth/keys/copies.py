"""Copies of the key set that apps keep: which keys are in one, as its ETag says, and who replaced one without a key.

Requests for the key set name no client. An app that sends the ETag of an old copy (RFC 9110 section 13.1.2) shows which
keys it knew until now. Requests without one show nothing. The request is noted by network and program.
"""

import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from provider.oauth.keys.store import SigningKeyRow, State
from provider.oauth.keys.uses import Use
from provider.observability import counters
from provider.work import Origin

MOST_SOURCES = 50
"""How many networks and programs a process notes by name in an hour. Anyone can send such requests."""
OTHERS = "other networks"
PREFIXES = {4: 24, 6: 48}
"""The length of the prefix of an address that is noted."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEWEST = re.compile(rb'"[0-9a-f]{16}\.([0-9a-f]{1,16})')
_PRODUCT = re.compile(r"[A-Za-z0-9._+-]{1,40}")


def etag_of(digest: str, created_at: datetime) -> str:
    """Return the ETag of a key set: a digest of it, and when its newest key was created, in microseconds.

    A copy has a key exactly if its newest key is that one or a later one.
    """
    return f'"{digest[:16]}.{(created_at - _EPOCH) // _MICROSECOND:x}"'


def newest_in(tags: bytes) -> datetime | None:
    """Return when the newest key of the copy with one of these ETags was created, or None if none is of a key set."""
    found = [int(tag, 16) for tag in _NEWEST.findall(tags)]
    if not found:
        return None
    try:
        return _EPOCH + max(found) * _MICROSECOND
    except OverflowError:
        return None


def watched(rows: list[SigningKeyRow]) -> tuple[tuple[str, datetime], ...]:
    """Return kid and creation of the keys that apps need to know now or next."""
    return tuple((row.kid, row.created_at) for row in rows if row.state in {State.UPCOMING, State.CURRENT})


class Copies:
    """Who replaced copies of the key set that are older than they may be, counted in this process."""

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._sources: set[str] = set()

    def note(
        self,
        tags: bytes,
        keys: tuple[tuple[str, datetime], ...],
        origin: Origin,
        *,
        now: datetime,
        longest: timedelta,
    ) -> None:
        """Note a request with these ETags, if its copy lacks a key that was published longer than `longest` ago.

        Browsers keep a copy until somebody opens the app again, which says nothing about what was used meanwhile, so
        their requests are not noted.
        """
        newest = newest_in(tags)
        if newest is None or origin.user_agent.startswith("Mozilla/"):
            return
        for kid, created_at in keys:
            if newest < created_at and now - created_at > longest:
                counters.count(counters.use_of_key(kid, Use.KEY_SET, self._source(origin, now)))

    def _source(self, origin: Origin, now: datetime) -> str:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._sources = hour, set()
        source = source_of(origin)
        if source not in self._sources:
            if len(self._sources) >= MOST_SOURCES:
                return OTHERS
            self._sources.add(source)
        return source


def source_of(origin: Origin) -> str:
    """Return the network and the program of a request, without what identifies one machine or version."""
    try:
        address = ip_address(origin.network)
        network = str(ip_network(f"{address}/{PREFIXES[address.version]}", strict=False))
    except ValueError:
        network = "unknown network"
    product = _PRODUCT.match(origin.user_agent)
    return f"{network} {product[0]}" if product else network
