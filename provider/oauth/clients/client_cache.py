"""The copies of clients that a process uses, read again every SIGNET_CLIENT_CACHE seconds.

A deleted or disabled client gets nothing more, even from a copy. What a copy led to is either a row that refers to the
client, which the database refuses (`web.endpoint` then calls `forget`), read together with the client, or preceded by
`is_enabled`.
"""

import threading
from datetime import datetime, timedelta

from provider.oauth.clients.clients import Client, find_client
from provider.oauth.clients.store import clients as store
from provider.work import UnitOfWork


class Clients:
    """This process's copies of clients, each trusted for SIGNET_CLIENT_CACHE seconds."""

    MOST = 10_000

    def __init__(self) -> None:
        self._copies: dict[str, tuple[datetime, Client | None]] = {}
        self._lock = threading.Lock()

    def is_enabled(self, work: UnitOfWork, client_id: str) -> bool:
        """Return whether the client exists now and is not disabled. Always asks the database."""
        enabled = store.find_enabled(work.read, client_id)
        if not enabled:
            self.forget_one(client_id)
        return enabled

    def forget_one(self, client_id: str) -> None:
        """Forget the copy of a client that was deleted or disabled."""
        with self._lock:
            self._copies.pop(client_id, None)

    def forget(self) -> None:
        """Forget every copy, because one is known to be out of date."""
        with self._lock:
            self._copies.clear()

    def find(self, work: UnitOfWork, client_id: str) -> Client | None:
        """Return the client, or None. Disabled clients are returned too: the caller rejects them by name."""
        kept = self._copies.get(client_id)
        keep = timedelta(seconds=work.settings.client_cache)
        if kept is not None and timedelta(0) <= work.now - kept[0] < keep:
            return kept[1]
        return self.read(work, client_id)

    def read(self, work: UnitOfWork, client_id: str) -> Client | None:
        """Return the client as it is now, and keep a copy."""
        client, keep = find_client(work, client_id), work.settings.client_cache
        with self._lock:
            self._copies.pop(client_id, None)
            if keep and client is not None:  # unknown names are not remembered: anybody can make them up
                if len(self._copies) >= self.MOST:
                    self._copies.clear()
                self._copies[client_id] = (work.now, client)
        return client
