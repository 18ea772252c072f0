"""The signal_streams table: what a receiver asked for, and whether it can be reached."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Connection, ForeignKey, Integer, String, Table, Text, delete, insert, or_, update
from sqlalchemy import select as sql_select

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

LONGEST_ERROR = 300


class Method(StrEnum):
    """How the signals of a stream are delivered."""

    PUSH = "push"
    POLL = "poll"


class Status(StrEnum):
    """The status of a stream (Shared Signals Framework 1.0 section 8.1.2.1)."""

    ENABLED = "enabled"
    PAUSED = "paused"  # signals are kept
    DISABLED = "disabled"  # signals are not kept


class DefaultSubjects(StrEnum):
    """Which users a stream is about before its receiver adds or removes any (section 7.1)."""

    ALL = "ALL"
    NONE = "NONE"


signal_streams = Table(
    "signal_streams",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("description", String(200)),
    Column("method", String(4), nullable=False),
    Column("endpoint_url", String(2000)),  # of the receiver, for push
    Column("sealed", Text),  # the Authorization header for push, encrypted
    Column("events_requested", JSON, nullable=False),  # the URIs of event types
    Column("status", String(8), nullable=False),
    Column("reason", String(200)),  # why the status was changed
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("verified_at", UtcTime),  # when the receiver asked for a verification event last
    Column("delivered_at", UtcTime),  # when the receiver took a signal last
    Column("claimed_until", UtcTime),  # a job pushes; so that two never push out of order
    Column("failures", Integer, nullable=False),  # pushes in a row that failed
    Column("retry_at", UtcTime),  # nothing is pushed before
    Column("error", String(LONGEST_ERROR)),
    Column("dropped", Integer, nullable=False),  # signals that were rejected, too old or too many
    Column("default_subjects", String(4), nullable=False, server_default=DefaultSubjects.ALL),
)


@dataclass(frozen=True)
class Stream:
    id: str
    client_id: str
    description: str | None
    method: str
    endpoint_url: str | None
    sealed: str | None
    events_requested: list[str]
    status: str
    reason: str | None
    created_at: datetime
    updated_at: datetime
    verified_at: datetime | None = None
    delivered_at: datetime | None = None
    claimed_until: datetime | None = None
    failures: int = 0
    retry_at: datetime | None = None
    error: str | None = None
    dropped: int = 0
    default_subjects: str = DefaultSubjects.ALL

    @property
    def keeps_signals(self) -> bool:
        return self.status != Status.DISABLED

    def may_push(self, now: datetime) -> bool:
        """Return whether the stream is one that is pushed, and the receiver may be asked now."""
        return self.method == Method.PUSH and (self.retry_at is None or self.retry_at <= now)


_STREAM = rows_of(Stream, signal_streams)


def add(db: Connection, stream: Stream) -> None:
    db.execute(insert(signal_streams), values_of(stream))


def find(db: Connection, stream_id: str) -> Stream | None:
    return _STREAM.one(db, _STREAM.select().where(signal_streams.c.id == stream_id))


def find_of_client(db: Connection, client_id: str) -> Stream | None:
    return _STREAM.one(db, _STREAM.select().where(signal_streams.c.client_id == client_id))


def lock(db: Connection, stream_id: str) -> Stream | None:
    """Return the stream, locked until the transaction ends."""
    own = signal_streams.c.id == stream_id
    db.execute(sql_select(signal_streams.c.id).where(own).with_for_update(key_share=True))
    return find(db, stream_id)


def find_all(db: Connection) -> list[Stream]:
    return _STREAM.all(db, _STREAM.select().order_by(signal_streams.c.client_id))


def find_keeping(db: Connection) -> list[Stream]:
    """Return the streams that keep signals: those that are not disabled."""
    query = _STREAM.select().where(signal_streams.c.status != Status.DISABLED)
    return _STREAM.all(db, query.order_by(signal_streams.c.id))


def find_those(db: Connection, stream_ids: Collection[str]) -> list[Stream]:
    return _STREAM.all(db, _STREAM.select().where(signal_streams.c.id.in_(stream_ids)))


def change(db: Connection, stream_id: str, **values: Any) -> None:
    db.execute(update(signal_streams).where(signal_streams.c.id == stream_id).values(**values))


def add_dropped(db: Connection, stream_id: str, count: int) -> None:
    change(db, stream_id, dropped=signal_streams.c.dropped + count)


def claim(db: Connection, stream_id: str, *, now: datetime, until: datetime) -> bool:
    """Claim the stream for one job that pushes. Returns False if another one has it."""
    free = or_(signal_streams.c.claimed_until.is_(None), signal_streams.c.claimed_until <= now)
    taken = update(signal_streams).where(signal_streams.c.id == stream_id, free).values(claimed_until=until)
    return db.execute(taken).rowcount == 1


def remove(db: Connection, stream_id: str) -> bool:
    return db.execute(delete(signal_streams).where(signal_streams.c.id == stream_id)).rowcount == 1
