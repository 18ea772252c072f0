"""Key sets that other parties publish at a URL (RFC 7517 section 5): fetched when needed and cached in the process.

While their server is down, the last copy is used for a while. After that there are no keys, and only what needs them
fails.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from provider.jose.json_objects import read_object
from provider.jose.key_sets import MOST_KEYS, InvalidKey, PublicKey, parse_usable
from provider.outbound.answers import OutboundFailed
from provider.outbound.client import Outbound

FRESH_FOR = timedelta(minutes=10)
"""How long a copy is used without asking again. A key removed from its set stays valid at most this long."""
KEPT_FOR = timedelta(hours=1)
"""How long the last copy is used while the set cannot be fetched."""
ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""The least time between fetches because of an unknown `kid`, which any caller can invent."""
MOST = 10_000
TYPES = ("application/json", "application/jwk-set+json")


class KeySetUnavailable(Exception):
    """A key set that cannot be fetched or is invalid. `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Work(Protocol):
    """The part of a unit of work that is needed here: the current time, and the client for other servers."""

    @property
    def now(self) -> datetime: ...
    @property
    def outbound(self) -> Outbound: ...


@dataclass(frozen=True)
class Copy:
    """The keys of a set as they were fetched last."""

    keys: tuple[PublicKey, ...]
    fetched_at: datetime
    tried_at: datetime
    problem: str = ""
    """The error of the last attempt; empty if it succeeded."""


@dataclass
class RemoteKeySets:
    """This process's copies of key sets, by URL."""

    fresh_for: timedelta = FRESH_FOR
    most_keys: int = MOST_KEYS
    _copies: dict[str, Copy] = field(default_factory=dict)
    _fetching: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def find(self, work: Work, url: str, *, newer: bool = False) -> tuple[PublicKey, ...]:
        """Return the keys of a set.

        Its server is asked if the copy is old, or with `newer`, because a key is missing. Raises KeySetUnavailable,
        with `newer` also if only an old copy is left.
        """
        copy = self._copies.get(url)
        if copy is None or self._is_due(copy, work, newer=newer):
            copy = self._fetch(work, url, seen=copy)
        if newer and copy.problem:
            raise KeySetUnavailable(copy.problem)
        return copy.keys

    def copy_of(self, url: str) -> Copy | None:
        """Return this process's copy of a set, or None if it was not fetched yet."""
        return self._copies.get(url)

    def forget(self) -> None:
        """Fetch each set again the next time. The test kit does so between tests."""
        self._copies.clear()

    def _is_due(self, copy: Copy, work: Work, *, newer: bool) -> bool:
        if _within(ASKED_AGAIN_AFTER, copy.tried_at, work):
            return not _within(KEPT_FOR, copy.fetched_at, work)
        return newer or not _within(self.fresh_for, copy.fetched_at, work)

    def _fetch(self, work: Work, url: str, *, seen: Copy | None) -> Copy:
        outbound = work.outbound  # before the lock: in an ordinary thread nobody waits for it
        with self._fetching[url]:
            copy = self._copies.get(url)
            if copy is not None and copy is not seen:
                return copy  # another thread has just done it
            try:
                keys = parse_usable(read_object(outbound.fetch(url, accept=TYPES).body), most=self.most_keys)
                copy = Copy(keys, fetched_at=work.now, tried_at=work.now)
            except (OutboundFailed, InvalidKey, ValueError) as failed:
                if copy is None or not _within(KEPT_FOR, copy.fetched_at, work):
                    raise KeySetUnavailable(str(failed)) from None
                copy = replace(copy, tried_at=work.now, problem=str(failed))
            if len(self._copies) >= MOST:
                self._copies.clear()
            self._copies[url] = copy
            return copy


def _within(span: timedelta, since: datetime, work: Work) -> bool:
    return abs(work.now - since) < span  # of two requests at the same time, the later may have begun earlier
