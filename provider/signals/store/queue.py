"""The signals table: what waits for each stream, in order. A row is deleted when the receiver has taken it.

The id of a row is the `jti` of its security event token, the same at each attempt.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    select,
)

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime
from provider.signals.store.streams import Method, Status, signal_streams

signals = Table(
    "signals",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("stream_id", Identifier, ForeignKey("signal_streams.id", ondelete="CASCADE"), nullable=False),
    Column("payload", Text, nullable=False),  # the event and whom it is about, encrypted: it may have an address
    Column("is_notice", Boolean, nullable=False),  # about the stream itself, and sent whatever its status is
    Column("created_at", UtcTime, nullable=False),
    Column("event_type", String(100)),  # its URI, for the list of deliveries
    Index("ix_signals_stream_id_id", "stream_id", "id"),
    Index("ix_signals_created_at", "created_at"),
)


@dataclass(frozen=True)
class Signal:
    id: str
    stream_id: str
    payload: str
    is_notice: bool
    created_at: datetime
    event_type: str | None = None


_SIGNAL = rows_of(Signal, signals)


def add(db: Connection, rows: Sequence[Signal]) -> None:
    if rows:
        db.execute(insert(signals), [values_of(row) for row in rows])


def find_next(db: Connection, stream_id: str, *, only_notices: bool, limit: int) -> list[Signal]:
    """Return the oldest signals of a stream, in order."""
    query = _SIGNAL.select().where(signals.c.stream_id == stream_id)
    query = query.where(signals.c.is_notice) if only_notices else query
    return _SIGNAL.all(db, query.order_by(signals.c.id).limit(limit))


def remove(db: Connection, stream_id: str, signal_ids: Collection[str]) -> list[tuple[str, str | None]]:
    """Delete signals of a stream by id. Returns those that there were, in order: the id and the event type of each."""
    if not signal_ids:
        return []
    own = (signals.c.stream_id == stream_id, signals.c.id.in_(signal_ids))
    removed = db.execute(delete(signals).where(*own).returning(signals.c.id, signals.c.event_type))
    return sorted((row[0], row[1]) for row in removed)


def remove_all(db: Connection, stream_id: str) -> None:
    db.execute(delete(signals).where(signals.c.stream_id == stream_id, ~signals.c.is_notice))


def count_of(db: Connection, stream_id: str) -> int:
    """Return how many signals wait for a stream."""
    return db.scalar(select(func.count()).where(signals.c.stream_id == stream_id)) or 0


def count(db: Connection) -> int:
    """Return how many signals wait, of all streams."""
    return db.scalar(select(func.count()).select_from(signals)) or 0


def oldest(db: Connection, stream_id: str) -> datetime | None:
    """Return since when the oldest signal of a stream waits, or None if there is none."""
    query = select(signals.c.created_at).where(signals.c.stream_id == stream_id)
    since: datetime | None = db.scalar(query.order_by(signals.c.id).limit(1))
    return since


def find_pushable(db: Connection, *, now: datetime) -> list[str]:
    """Return the ids of the streams that have something to be pushed now."""
    c = signal_streams.c
    waiting = exists().where(signals.c.stream_id == c.id, (c.status == Status.ENABLED) | signals.c.is_notice)
    due = c.retry_at.is_(None) | (c.retry_at <= now)
    free = c.claimed_until.is_(None) | (c.claimed_until <= now)
    return list(db.scalars(select(c.id).where(c.method == Method.PUSH, due, free, waiting).order_by(c.id)))


def find_pollable(db: Connection, stream_ids: Collection[str]) -> set[str]:
    """Return those of these streams for which a poll would return something, or that can't be polled any more."""
    c = signal_streams.c
    waiting = exists().where(signals.c.stream_id == c.id, (c.status == Status.ENABLED) | signals.c.is_notice)
    kept = db.scalars(select(c.id).where(c.id.in_(stream_ids), c.method == Method.POLL, ~waiting))
    return set(stream_ids) - set(kept)


def is_full(db: Connection, stream_id: str, kept_since: datetime, most: int) -> bool:
    """Return whether a stream has signals from before that time, or more than `most`."""
    since = oldest(db, stream_id)
    return since is not None and (since < kept_since or count_of(db, stream_id) > most)


def drop_old(db: Connection, stream_id: str, *, before: datetime, most: int) -> int:
    """Delete the signals of a stream that are too old, and the oldest if there are too many. Returns how many."""
    own = signals.c.stream_id == stream_id
    dropped = db.execute(delete(signals).where(own, signals.c.created_at < before)).rowcount
    newest_kept = db.scalar(select(signals.c.id).where(own).order_by(signals.c.id.desc()).offset(most).limit(1))
    if newest_kept is not None:
        dropped += db.execute(delete(signals).where(own, signals.c.id <= newest_kept)).rowcount
    return dropped
