"""The public keys of clients: registered with them (`jwks`), or where they publish them (`jwks_uri`).

Published keys are fetched when somebody needs them and kept in the process. While the client's server is away, what is
known counts for a while; then the client is refused: its outage is not ours.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from provider.jose.json_objects import read_object
from provider.jose.key_sets import PublicKey, parse_usable
from provider.oauth.clients.clients import Client
from provider.outbound.connection import OutboundFailed
from provider.work import UnitOfWork

FRESH_FOR = timedelta(minutes=10)
"""A key that the client takes out of its set counts no longer than this."""
KEPT_FOR = timedelta(hours=1)
"""While the set cannot be had, what is known counts this long."""
ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""An unknown `kid` has the set fetched anew at most this often: anybody can make one up."""
MOST = 10_000
TYPES = ("application/json", "application/jwk-set+json")


class KeysUnavailable(Exception):
    """The client publishes its keys where they cannot be had. `reason` is for the explanation."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class _Copy:
    keys: tuple[PublicKey, ...]
    fetched_at: datetime
    tried_at: datetime


@dataclass
class ClientKeys:
    """This process's copies."""

    _copies: dict[str, _Copy] = field(default_factory=dict)
    _registered: dict[str, tuple[dict[str, Any], tuple[PublicKey, ...]]] = field(default_factory=dict)
    _fetching: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def find(self, work: UnitOfWork, client: Client) -> tuple[PublicKey, ...]:
        """Its keys; none when it has none. Asks its server when the copy is old. Raises KeysUnavailable."""
        metadata = client.metadata
        if metadata.jwks is not None:
            return self._parse(client.client_id, metadata.jwks)
        if metadata.jwks_uri is None:
            return ()
        copy = self._copies.get(metadata.jwks_uri)
        if copy is not None and (_within(FRESH_FOR, copy.fetched_at, work) or _may_go_on(copy, work)):
            return copy.keys
        return self._fetch(work, metadata.jwks_uri, seen=copy).keys

    def find_newer(self, work: UnitOfWork, client: Client) -> tuple[PublicKey, ...] | None:
        """Its keys fetched anew, because one is missing; None when there are none to fetch, or it is too early."""
        uri = client.metadata.jwks_uri
        copy = None if uri is None else self._copies.get(uri)
        if uri is None or (copy is not None and _within(ASKED_AGAIN_AFTER, copy.tried_at, work)):
            return None
        return self._fetch(work, uri, seen=copy).keys

    def _parse(self, client_id: str, jwks: dict[str, Any]) -> tuple[PublicKey, ...]:
        known, keys = self._registered.get(client_id, (None, ()))
        if known != jwks:
            keys = parse_usable(jwks)
            if len(self._registered) >= MOST:
                self._registered.clear()
            self._registered[client_id] = (jwks, keys)
        return keys

    def _fetch(self, work: UnitOfWork, uri: str, *, seen: _Copy | None) -> _Copy:
        outbound = work.outbound  # before the lock: in an ordinary thread nobody waits for it
        with self._fetching[uri]:
            copy = self._copies.get(uri)
            if copy is not None and copy is not seen:
                return copy  # another thread has just done it
            try:
                keys = parse_usable(read_object(outbound.fetch(uri, accept=TYPES).body))
            except (OutboundFailed, ValueError) as failed:
                if copy is None or not _within(KEPT_FOR, copy.fetched_at, work):
                    raise KeysUnavailable(f"jwks_uri: {failed}") from None
                copy = replace(copy, tried_at=work.now)
            else:
                copy = _Copy(keys, fetched_at=work.now, tried_at=work.now)
            if len(self._copies) >= MOST:
                self._copies.clear()
            self._copies[uri] = copy
            return copy


def _may_go_on(copy: _Copy, work: UnitOfWork) -> bool:
    """The set could not be had a moment ago: its server is left alone while what is known still counts."""
    return _within(ASKED_AGAIN_AFTER, copy.tried_at, work) and _within(KEPT_FOR, copy.fetched_at, work)


def _within(span: timedelta, since: datetime, work: UnitOfWork) -> bool:
    return abs(work.now - since) < span  # of two requests at once, the later may have begun earlier
