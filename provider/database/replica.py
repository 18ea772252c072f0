"""A read-only replica of PostgreSQL, for what may be some seconds old: lists and searches, never a decision.

How old it is follows from how far the primary was and when, so it is right also when the clocks of the servers differ,
when nothing is written, and when the replica was cut off.
"""

import threading
import time
from collections import deque
from contextlib import suppress

from sqlalchemy import Connection, text

from provider.config.settings import Settings
from provider.database.engine import OUTAGES, Database, open_database

MOST_LAG = 10.0
"""How old a replica may be, in seconds."""
PAUSE = 5.0
"""For how long a replica that failed is not used, in seconds."""
_PRIMARY_AT = text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
_REPLICA_AT = text("SELECT pg_is_in_recovery(), pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')")


class ReplicaUnusable(Exception):
    """The replica is away, too old, or no replica. The text says which."""


class Replica:
    """A replica, and how far the primary was in the last seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: deque[tuple[float, int]] = deque()
        """(when, how far the primary's log was), the oldest first."""
        self._lock = threading.Lock()
        self._unused_until = 0.0
        self.is_used = True
        """Whether it was used the last time, so that a change is logged once."""

    def note_primary(self, primary: Connection) -> None:
        """Note how far the primary is. To be called every few seconds; without it the replica is not used."""
        now = time.monotonic()
        at = int(primary.execute(_PRIMARY_AT).scalar_one())
        with self._lock:
            self._seen.append((now, at))
            while self._seen[0][0] < now - MOST_LAG:
                self._seen.popleft()

    def connect(self) -> Connection:
        """Take a connection that sees everything that was committed MOST_LAG seconds ago. Raises ReplicaUnusable.

        `give_back` it afterwards.
        """
        if time.monotonic() < self._unused_until:
            raise ReplicaUnusable("it failed a moment ago")
        try:
            connection = self._database.connect()
        except OUTAGES as error:
            self.pause()
            raise ReplicaUnusable(f"it cannot be reached: {error}") from error
        try:
            self._require_current(connection)
        except OUTAGES as error:
            self.give_back(connection)
            self.pause()
            raise ReplicaUnusable(f"it does not answer: {error}") from error
        except BaseException:
            self.give_back(connection)
            raise
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep the connection for the next `connect`."""
        with suppress(*OUTAGES):
            self._database.give_back(connection)

    def pause(self) -> None:
        """Do not use the replica for PAUSE seconds."""
        self._unused_until = time.monotonic() + PAUSE

    def close(self) -> None:
        self._database.close()

    def _require_current(self, connection: Connection) -> None:
        is_replica, replayed = connection.execute(_REPLICA_AT).one()
        if not is_replica or replayed is None:
            raise ReplicaUnusable("the server is no replica")
        oldest_allowed = time.monotonic() - MOST_LAG
        with self._lock:
            is_current = any(when >= oldest_allowed and at <= replayed for when, at in self._seen)
        if not is_current:
            raise ReplicaUnusable(f"it is more than {MOST_LAG:.0f} seconds behind")


def open_replica(settings: Settings) -> Replica | None:
    """Return the replica of these settings, or None if they name none. Nothing connects before the first use."""
    if settings.database_read_url is None:
        return None
    return Replica(open_database(settings, url=settings.database_read_url))
