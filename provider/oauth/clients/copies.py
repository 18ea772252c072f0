"""The copies of clients that a process uses, read again every SIGNET_CLIENT_CACHE seconds."""

import threading
from datetime import datetime, timedelta

from provider.oauth.clients.clients import Client, find_client
from provider.work import UnitOfWork


class Clients:
    """This process's copies of clients, each trusted for SIGNET_CLIENT_CACHE seconds."""

    MOST = 10_000

    def __init__(self) -> None:
        self._copies: dict[str, tuple[datetime, Client | None]] = {}
        self._lock = threading.Lock()

    def find(self, work: UnitOfWork, client_id: str) -> Client | None:
        """Return the client, or None. Disabled clients are returned too: the caller rejects them by name."""
        kept = self._copies.get(client_id)
        keep = timedelta(seconds=work.settings.client_cache)
        if kept is not None and timedelta(0) <= work.now - kept[0] < keep:
            return kept[1]
        client = find_client(work, client_id)
        if keep and client is not None:  # unknown names are not remembered: anybody can make them up
            with self._lock:
                if len(self._copies) >= self.MOST:
                    self._copies.clear()
                self._copies[client_id] = (work.now, client)
        return client
