"""The signal_deliveries table: what became of the last signals of each stream, for operators. No row has a user."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Connection, ForeignKey, Index, String, Table, delete, insert, select

from provider.database.base import metadata, new_id
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime
from provider.signals.store.streams import LONGEST_ERROR

KEPT = 50
"""How many deliveries are kept for each stream."""


class Outcome(StrEnum):
    """The outcome of a signal."""

    DELIVERED = "delivered"
    REJECTED = "rejected"  # the receiver will never take it
    FAILED = "failed"  # it is tried again


signal_deliveries = Table(
    "signal_deliveries",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("stream_id", Identifier, ForeignKey("signal_streams.id", ondelete="CASCADE"), nullable=False),
    Column("signal_id", Identifier, nullable=False),  # the `jti`
    Column("event_type", String(100)),  # a URI; null for signals of the release before this table
    Column("outcome", String(11), nullable=False),
    Column("error", String(LONGEST_ERROR)),
    Column("at", UtcTime, nullable=False),
    Index("ix_signal_deliveries_stream_id_id", "stream_id", "id"),
)


@dataclass(frozen=True)
class Delivery:
    id: str
    stream_id: str
    signal_id: str
    event_type: str | None
    outcome: str
    error: str | None
    at: datetime


_DELIVERY = rows_of(Delivery, signal_deliveries)


def add(
    db: Connection,
    stream_id: str,
    signals: Sequence[tuple[str, str | None]],
    outcome: Outcome,
    *,
    now: datetime,
    error: str | None = None,
) -> None:
    """Add what became of signals of a stream, each with its event type, and delete the oldest if there are too many."""
    if not signals:
        return
    short = error and error[:LONGEST_ERROR]
    rows = [Delivery(new_id(), stream_id, signal_id, kind, outcome, short, now) for signal_id, kind in signals[-KEPT:]]
    db.execute(insert(signal_deliveries), [values_of(row) for row in rows])
    c = signal_deliveries.c
    newest_gone = select(c.id).where(c.stream_id == stream_id).order_by(c.id.desc()).offset(KEPT).limit(1)
    db.execute(delete(signal_deliveries).where(c.stream_id == stream_id, c.id <= newest_gone.scalar_subquery()))


def find_last(db: Connection, stream_id: str) -> list[Delivery]:
    """Return the last deliveries of a stream, the newest first."""
    c = signal_deliveries.c
    return _DELIVERY.all(db, _DELIVERY.select().where(c.stream_id == stream_id).order_by(c.id.desc()).limit(KEPT))
