"""What is known of the signals of each upstream, by its key: the last one, the last problem, and the verification."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, String, Table, delete

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of
from provider.database.types import UtcTime

LONGEST = 500

upstream_signals = Table(
    "upstream_signals",
    metadata,
    Column("upstream", String(32), primary_key=True),  # its key: it may be in the file only
    Column("received_at", UtcTime),
    Column("received", String(LONGEST)),
    Column("problem_at", UtcTime),
    Column("problem", String(LONGEST)),
    Column("requested_at", UtcTime),
    Column("verified_at", UtcTime),
)


@dataclass(frozen=True)
class SignalState:
    upstream: str
    received_at: datetime | None = None
    received: str | None = None
    """The short names of the events in the last token that was taken."""
    problem_at: datetime | None = None
    problem: str | None = None
    """Why the last token that was not taken was rejected, or why no verification event could be requested."""
    requested_at: datetime | None = None
    """When a verification event was requested last."""
    verified_at: datetime | None = None
    """When the last one arrived that was requested here."""

    @property
    def is_verified(self) -> bool:
        """Whether the verification event arrived that was requested last. It may be faster than the answer to us."""
        return self.verified_at is not None and self.requested_at is not None and self.verified_at >= self.requested_at


_ROW = rows_of(SignalState, upstream_signals)


def find(db: Connection, upstream: str) -> SignalState:
    """Return the state of an upstream, which is empty if nothing happened yet."""
    found = _ROW.one(db, _ROW.select().where(upstream_signals.c.upstream == upstream))
    return found or SignalState(upstream)


def note(db: Connection, upstream: str, **values: Any) -> None:
    """Change some members of the state."""
    added = upsert(db, upstream_signals).values(upstream=upstream, **values)
    db.execute(added.on_conflict_do_update(index_elements=["upstream"], set_=values))


def remove(db: Connection, upstream: str) -> None:
    db.execute(delete(upstream_signals).where(upstream_signals.c.upstream == upstream))
