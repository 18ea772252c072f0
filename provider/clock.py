"""The time of an installation. With PostgreSQL it is the database's, so that nodes whose clocks differ agree on it.

A code that one node issues for a minute would have expired at a node whose clock is two minutes ahead. With SQLite
there is one machine, and so one clock.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from provider.database.engine import Database
from provider.observability.logging import log
from provider.work import utc_now

Clock = Callable[[], datetime]

TOLERANCE = timedelta(seconds=1)
"""A smaller difference is not corrected. NTP keeps machines closer than that."""
COMPARE_EVERY = 60.0
"""Seconds between two comparisons with the database's clock. Each is one short query of the process."""
SLOW = 1.0
"""An answer that took more seconds says too little about the time."""


def clock_of(database: Database, *, local: Clock = utc_now) -> Clock:
    """Return the clock of an installation with this database. `local` is the clock of this machine."""
    return local if database.is_sqlite else DatabaseClock(database, local=local)


class DatabaseClock:
    """The clock of this machine, corrected when it differs from the database's.

    It is compared when something connects to the database anyway, the first time as the process starts.
    """

    def __init__(self, database: Database, *, local: Clock) -> None:
        self._local = local
        self._behind = timedelta(0)
        self._due_at = float("-inf")
        database.on_connect = self.compare

    def __call__(self) -> datetime:
        return self._local() + self._behind

    def compare(self, connection: Connection) -> None:
        """Compare the clocks if it is time to. Raises one of OUTAGES."""
        begun = time.monotonic()
        if begun < self._due_at:
            return
        self._due_at = begun + COMPARE_EVERY
        here = self._local()
        there: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        took = time.monotonic() - begun
        if took > SLOW:
            return
        behind = there - here - timedelta(seconds=took / 2)
        if abs(behind) <= TOLERANCE:
            behind = timedelta(0)
        if abs(behind - self._behind) > TOLERANCE:
            log.warning("clock.differs_from_database", seconds_behind=round(behind.total_seconds(), 1))
        self._behind = behind
