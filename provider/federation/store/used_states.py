"""States that came back from an upstream, by digest: each is valid once."""

from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, delete, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Digest, UtcTime

used_states = Table(
    "used_states",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("expires_at", UtcTime, nullable=False),  # from then on the state is refused for its age
    Index("ix_used_states_expires_at", "expires_at"),
)


def spend(db: Connection, digest: bytes, *, expires_at: datetime) -> bool:
    """Mark the state as used. Returns False if it was used before."""
    spent = upsert(db, used_states).values(digest=digest, expires_at=expires_at).on_conflict_do_nothing()
    return db.scalar(spent.returning(used_states.c.digest)) is not None


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(used_states.c.digest)
        .where(used_states.c.expires_at < before)
        .order_by(used_states.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(used_states).where(used_states.c.digest.in_(old))).rowcount
