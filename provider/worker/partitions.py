"""Creating the partitions of the next months, and dropping those whose rows are no longer kept (PostgreSQL only)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Column, ColumnElement, Connection
from sqlalchemy.exc import IntegrityError, ProgrammingError

from provider.audit.store import audit_events
from provider.config.settings import Settings
from provider.database import partitions
from provider.database.outages import DatabaseUnavailable, TransactionConflict
from provider.oauth.store import refusals
from provider.observability.logging import log
from provider.outbox import store as outbox
from provider.work import Installation, UnitOfWork, unit_of_work

TRIES = 20
PAUSE = 0.5
"""How often a lock is tried for, and how many seconds later again. Then the next purge tries."""
LOCK_NOT_AVAILABLE, INSUFFICIENT_PRIVILEGE = "55P03", "42501"
"""SQLSTATEs of PostgreSQL."""


@dataclass(frozen=True)
class Partitioned:
    """A table with monthly partitions of `time`. Without a retention, its rows are kept forever."""

    name: str
    time: Column[datetime]
    retention: Callable[[Settings], timedelta]
    needed: Callable[[datetime], ColumnElement[bool]] | None = None
    """Returns the condition for older rows that are needed all the same, with the time before which rows are old."""


TABLES = (
    Partitioned("audit events", audit_events.c.at, lambda settings: settings.audit_retention),
    Partitioned("refusals", refusals.c.at, lambda settings: settings.rejected_request_retention),
    Partitioned(
        "outbox",
        outbox.outbox.c.created_at,
        lambda settings: settings.outbox_retention,
        lambda before: outbox.is_needed(before=before),
    ),
)


def maintain(installation: Installation) -> dict[str, int]:
    """Create the partitions of the next months, and drop the old ones. Returns how many months of each were dropped."""
    if installation.database.is_sqlite:
        return {}
    return {f"months of {each.name}": _maintain(installation, each) for each in TABLES}


def find_tables_without_next_month(work: UnitOfWork) -> list[str]:
    """Return the tables without a partition for the present or the next month. On SQLite there are none."""
    if work.installation.database.is_sqlite:
        return []
    soon = partitions.first_of_month(work.now, later=1)
    names = [str(each.time.table) for each in TABLES]
    return [name for name in names if any(at <= soon for at in partitions.find_missing(work.read, name, now=work.now))]


def _maintain(installation: Installation, of: Partitioned) -> int:
    name = str(of.time.table)
    with unit_of_work(installation) as work:
        missing = partitions.find_missing(work.read, name, now=work.now)
        retention = of.retention(work.settings)
        before = work.now - retention
        old = [one for one in partitions.find(work.read, name) if retention and one.end <= before]
    for month in missing:
        if _when_free(installation, name, partial(partitions.create, time=of.time, month=month)):
            log.info("partition.created", table=name, month=f"{month:%Y-%m}")
    needed = None if of.needed is None else of.needed(before)
    dropped = 0
    for one in old:
        if _when_free(installation, name, partial(partitions.drop, time=of.time, partition=one, needed=needed)):
            log.info("partition.dropped", table=name, partition=one.name)
            dropped += 1
    return dropped


def _when_free(installation: Installation, name: str, act: Callable[[Connection], bool]) -> bool:
    """Run `act` in a transaction of its own, again when the table is in use. Returns False if nothing was done.

    Whatever is not done now is done by a later purge: rows without a partition are stored in the default one.
    """
    for _ in range(TRIES):
        try:
            with unit_of_work(installation) as work:
                return act(work.db)
        except TransactionConflict:
            pass
        except DatabaseUnavailable as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
        except IntegrityError:  # a row came into the default partition meanwhile, so it keeps the month
            return False
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
                raise
            log.warning("partition.not_permitted", table=name)
            return False
        time.sleep(PAUSE)
    log.warning("partition.in_use", table=name)
    return False
