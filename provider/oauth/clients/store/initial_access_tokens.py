"""Initial access tokens by digest, each valid for a number of registrations until it expires (RFC 7591 section 1.2)."""

from datetime import datetime

from sqlalchemy import Column, Connection, Index, Integer, Table, delete, insert, select, update

from provider.database.base import metadata
from provider.database.types import Digest, UtcTime

initial_access_tokens = Table(
    "initial_access_tokens",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("uses_left", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_initial_access_tokens_expires_at", "expires_at"),
)


def add(db: Connection, *, digest: bytes, uses: int, now: datetime, expires_at: datetime) -> None:
    values = {"digest": digest, "uses_left": uses, "created_at": now, "expires_at": expires_at}
    db.execute(insert(initial_access_tokens), values)


def is_valid(db: Connection, digest: bytes, *, now: datetime) -> bool:
    """Return whether the token is valid. `spend` decides."""
    table = initial_access_tokens
    live = (table.c.digest == digest, table.c.uses_left > 0, table.c.expires_at > now)
    return db.scalar(select(table.c.digest).where(*live)) is not None


def spend(db: Connection, digest: bytes, *, now: datetime) -> bool:
    """Use the token once. Returns False if no use is left."""
    table = initial_access_tokens
    live = (table.c.digest == digest, table.c.uses_left > 0, table.c.expires_at > now)
    return db.execute(update(table).where(*live).values(uses_left=table.c.uses_left - 1)).rowcount == 1


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(initial_access_tokens.c.digest)
        .where(initial_access_tokens.c.expires_at < before)
        .order_by(initial_access_tokens.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(initial_access_tokens).where(initial_access_tokens.c.digest.in_(old))).rowcount
