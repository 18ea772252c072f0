"""Failure counters per kind and subject, kept in SQL so that they survive restarts and are shared between nodes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Executable,
    Index,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    case,
    delete,
    or_,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.dialect import upsert_for
from provider.database.prepared import Prepared
from provider.database.rows import rows_of
from provider.database.types import UtcTime

failure_counters = Table(
    "failure_counters",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("subject", String(64), primary_key=True),  # a user, or a keyed digest of what was typed
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("blocked_until", UtcTime),
    Index("ix_failure_counters_last_at", "last_at"),
)


@dataclass(frozen=True)
class Counter:
    """The failures in a row of one subject."""

    failures: int
    last_at: datetime
    blocked_until: datetime | None


_COUNTER = rows_of(Counter, failure_counters)
_RESET = Prepared(
    delete(failure_counters).where(
        failure_counters.c.kind == bindparam("of_kind"), failure_counters.c.subject == bindparam("of_subject")
    )
)


def find(db: Connection, kind: str, subject: str) -> Counter | None:
    counters = failure_counters.c
    return _COUNTER.one(db, _COUNTER.select().where(counters.kind == kind, counters.subject == subject))


def _reserve(dialect: Dialect) -> Executable:
    counters, now = failure_counters.c, bindparam("now", type_=UtcTime)
    open_again = or_(counters.blocked_until.is_(None), counters.blocked_until <= now)
    forgotten = counters.last_at < bindparam("forget_before", type_=UtcTime)
    row = {"kind": bindparam("kind"), "subject": bindparam("subject"), "failures": 1, "last_at": now}
    return (
        upsert_for(dialect, failure_counters)
        .values(**row, blocked_until=None)
        .on_conflict_do_update(
            index_elements=[counters.kind, counters.subject],
            set_={"failures": case((forgotten, 1), else_=counters.failures + 1), "last_at": now, "blocked_until": None},
            where=and_(open_again, or_(counters.failures < bindparam("ceiling", type_=Integer), forgotten)),
        )
        .returning(counters.failures)
    )


_RESERVE = Prepared(_reserve, (failure_counters.c.failures,))


def reserve(
    db: Connection, kind: str, subject: str, *, now: datetime, forget_before: datetime, ceiling: int
) -> int | None:
    """Count a failure before it happens; return the failures so far, including this one.

    Returns None while blocked or at the ceiling. It is one statement, and the row stays locked until the caller's
    transaction ends. Parallel attempts wait for it.
    """
    values = {"kind": kind, "subject": subject, "now": now, "forget_before": forget_before, "ceiling": ceiling}
    failed: int | None = _RESERVE.scalar(db, values)
    return failed


def release(db: Connection, kind: str, subject: str) -> None:
    """Take one failure back, and the wait that came with it."""
    of_subject = (failure_counters.c.kind == kind, failure_counters.c.subject == subject)
    fewer = {"failures": failure_counters.c.failures - 1, "blocked_until": None}
    db.execute(update(failure_counters).where(*of_subject, failure_counters.c.failures > 0).values(fewer))


def block(db: Connection, kind: str, subject: str, *, until: datetime) -> None:
    of_subject = (failure_counters.c.kind == kind, failure_counters.c.subject == subject)
    db.execute(update(failure_counters).where(*of_subject).values(blocked_until=until))


def find_blocked_until(db: Connection, kind: str, subject: str) -> datetime | None:
    of_subject = (failure_counters.c.kind == kind, failure_counters.c.subject == subject)
    return db.scalar(select(failure_counters.c.blocked_until).where(*of_subject))


def find_failures(db: Connection, kind: str, subject: str) -> int:
    of_subject = (failure_counters.c.kind == kind, failure_counters.c.subject == subject)
    return db.scalar(select(failure_counters.c.failures).where(*of_subject)) or 0


def reset(db: Connection, kind: str, subject: str) -> None:
    _RESET.change(db, {"of_kind": kind, "of_subject": subject})


def purge(db: Connection, *, kinds: list[str], before: datetime, limit: int) -> int:
    """Delete up to `limit` counters of these kinds without a failure since `before`; return how many."""
    idle = (failure_counters.c.kind.in_(kinds), failure_counters.c.last_at < before)
    old = select(failure_counters.c.kind, failure_counters.c.subject).where(*idle).limit(limit)
    purged = 0
    for kind, subject in db.execute(old).all():
        reset(db, kind, subject)
        purged += 1
    return purged
