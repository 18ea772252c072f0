"""The outbox table: each job, its attempts and its result."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    Update,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from provider.database import partitions
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime


class DeliveryState(StrEnum):
    """The state of a job. People read the names, in lower case; the values are stored and part of the admin API."""

    WAITING = "due"  # to be sent at next_at
    SENDING = "trying"  # claimed until next_at; after that it is waiting again
    SENT = "kept"
    FAILED = "failed"  # after the last attempt; an operator can retry it
    CANCELLED = "cancelled"  # by an operator, or nothing is to receive it any more; its payload is erased


# On PostgreSQL, it has a partition for each month of `created_at`, which is in its primary key too (migration 0039).
outbox = Table(
    "outbox",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("topic", String(64), nullable=False),
    Column("about", String(320), nullable=False),  # for operators: the kind and "to" the recipient; no secrets
    Column("payload", Text),  # encrypted, because emails contain links; erased when sent
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),  # not sent later, because the link in it has expired
    Column("error", String(300)),
    Column("crashes", Integer, nullable=False, server_default="0"),  # consecutive attempts without an outcome
    Index("ix_outbox_state_next_at", "state", "next_at"),
)


_open = or_(outbox.c.state == DeliveryState.WAITING, outbox.c.state == DeliveryState.SENDING)
_settled = outbox.c.state.in_([DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED])


@dataclass(frozen=True)
class Job:
    id: str
    topic: str
    about: str
    payload: str | None
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    expires_at: datetime | None
    error: str | None
    crashes: int = 0


_JOB = rows_of(Job, outbox)


def add(db: Connection, *jobs: Job) -> None:
    db.execute(insert(outbox), list(map(values_of, jobs)))


def find_due(db: Connection, *, now: datetime, limit: int) -> list[tuple[str, datetime]]:
    """Return (id, `next_at`) of up to `limit` rows to be tried now, including expired claims; oldest first."""
    due = select(outbox.c.id, outbox.c.next_at).where(_open, outbox.c.next_at <= now)
    return [(row_id, at) for row_id, at in db.execute(due.order_by(outbox.c.next_at).limit(limit))]


def oldest_due(db: Connection, *, now: datetime) -> datetime | None:
    """Return since when the oldest due job has been due; None if none is due."""
    query = select(outbox.c.next_at).where(_open, outbox.c.next_at <= now).order_by(outbox.c.next_at).limit(1)
    return db.scalar(query)


def has_open(db: Connection, topic: str, about: str) -> bool:
    """Return whether a job of this topic about this is due, being tried, or to be tried later."""
    query = select(outbox.c.id).where(_open, outbox.c.topic == topic, outbox.c.about == about).limit(1)
    return db.scalar(query) is not None


def find_failed(db: Connection, topic: str, *, limit: int = 1000) -> list[str]:
    """Return what jobs of this topic are about that could not be delivered, of up to `limit`."""
    failed = (outbox.c.topic == topic, outbox.c.state == DeliveryState.FAILED)
    return list(db.scalars(select(outbox.c.about).where(*failed).limit(limit)))


def count_undelivered(db: Connection) -> list[tuple[str, str, int]]:
    """Return (topic, state, count) for jobs that are due, being tried or failed."""
    unkept = outbox.c.state.in_([DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.FAILED])
    query = select(outbox.c.topic, outbox.c.state, func.count()).where(unkept).group_by(outbox.c.topic, outbox.c.state)
    return [tuple(row) for row in db.execute(query)]


def claim(db: Connection, job_id: str, *, now: datetime, lease_until: datetime) -> Job | None:
    """Claim a due job for this attempt, and count the attempt; also the previous one if its claim lapsed.

    Returns None if another process has claimed it or it is settled.
    """
    free = (
        outbox.c.id == job_id,
        outbox.c.state.in_([DeliveryState.WAITING, DeliveryState.SENDING]),
        outbox.c.next_at <= now,
    )
    taken = (
        update(outbox)
        .where(*free)
        .values(
            state=DeliveryState.SENDING,
            attempts=outbox.c.attempts + 1,
            next_at=lease_until,
            crashes=case((outbox.c.state == DeliveryState.SENDING, outbox.c.crashes + 1), else_=outbox.c.crashes),
        )
        .returning(*_JOB.columns)
    )
    return _JOB.one(db, taken)


def mark_sent(db: Connection, job_id: str) -> None:
    """Mark the job as delivered and erase its payload."""
    db.execute(update(outbox).where(outbox.c.id == job_id).values(state=DeliveryState.SENT, payload=None, error=None))


def mark_failed(db: Connection, job_id: str, *, attempt: int, error: str) -> None:
    """Mark the job as failed at this attempt. No effect if another attempt has begun since."""
    db.execute(_this_attempt(job_id, attempt).values(state=DeliveryState.FAILED, error=error[:300]))


def mark_cancelled(db: Connection, job_id: str, *, attempt: int, reason: str) -> None:
    """Cancel the job at this attempt and erase its payload. No effect if another attempt has begun since."""
    gone = {"state": DeliveryState.CANCELLED, "payload": None, "error": reason[:300]}
    db.execute(_this_attempt(job_id, attempt).values(**gone))


def schedule_retry(
    db: Connection,
    job_id: str,
    *,
    attempt: int,
    next_at: datetime,
    error: str,
    crashes: int,
    was_tried: bool = True,
) -> None:
    """Make the job due again at `next_at`; unless `was_tried`, the attempt does not count. No effect if another attempt
    has begun since.
    """
    again = {"state": DeliveryState.WAITING, "next_at": next_at, "error": error[:300], "crashes": crashes}
    db.execute(_this_attempt(job_id, attempt).values(**again, attempts=attempt if was_tried else attempt - 1))


def _this_attempt(job_id: str, attempt: int) -> Update:
    mine = (outbox.c.id == job_id, outbox.c.state == DeliveryState.SENDING, outbox.c.attempts == attempt)
    return update(outbox).where(*mine)


def retry(db: Connection, job_id: str, *, now: datetime) -> bool:
    """Make a failed job due again, with fresh attempts. Returns False if there is none or its payload is gone."""
    failed = (outbox.c.id == job_id, outbox.c.state == DeliveryState.FAILED, outbox.c.payload.is_not(None))
    again = (
        update(outbox)
        .where(*failed)
        .values(state=DeliveryState.WAITING, attempts=0, crashes=0, error=None, next_at=now)
    )
    return db.execute(again).rowcount == 1


def cancel(db: Connection, job_id: str, *, now: datetime) -> bool:
    """Cancel a job. Returns False if there is none, it is settled otherwise, or it is being tried."""
    lapsed = and_(outbox.c.state == DeliveryState.SENDING, outbox.c.next_at <= now)
    idle = (outbox.c.id == job_id, or_(outbox.c.state.in_([DeliveryState.WAITING, DeliveryState.FAILED]), lapsed))
    return db.execute(update(outbox).where(*idle).values(state=DeliveryState.CANCELLED, payload=None)).rowcount == 1


def find_one(db: Connection, job_id: str) -> Job | None:
    return _JOB.one(db, _JOB.select().where(outbox.c.id == job_id))


def find_those(db: Connection, job_ids: Collection[str]) -> list[Job]:
    return _JOB.all(db, _JOB.select().where(outbox.c.id.in_(job_ids)))


def lock(db: Connection, job_id: str) -> bool:
    """Lock the row until this transaction ends. Returns False if there is no such row."""
    return db.scalar(select(outbox.c.id).where(outbox.c.id == job_id).with_for_update()) is not None


def find(
    db: Connection,
    *,
    state: str | None = None,
    topic: str | None = None,
    about: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[Job]:
    """Return jobs, latest first. `after` is the last id of the previous page; `about` matches part of the field."""
    query = _JOB.select().order_by(outbox.c.id.desc()).limit(limit)
    query = query if after is None else query.where(outbox.c.id < after)
    for column, wanted in ((outbox.c.state, state), (outbox.c.topic, topic)):
        query = query if wanted is None else query.where(column == wanted)
    query = query if about is None else query.where(outbox.c.about.contains(about, autoescape=True))
    return _JOB.all(db, query)


def is_needed(*, before: datetime) -> ColumnElement[bool]:
    """Return the condition for jobs that are open, or that were tried or settled at or after `before`."""
    return or_(_open, and_(_settled, outbox.c.next_at >= before))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` settled jobs whose `next_at` (indexed) is before `before`; return how many.

    On PostgreSQL, only jobs of whole months.
    """
    is_old = outbox.c.created_at < partitions.deletable_before(db, before)
    old = select(outbox.c.id).where(is_old, _settled, outbox.c.next_at < before).limit(limit)
    return db.execute(delete(outbox).where(is_old, outbox.c.id.in_(old))).rowcount
