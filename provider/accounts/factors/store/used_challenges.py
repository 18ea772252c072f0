"""The challenges of passkeys and the puzzles of forms (`accounts.proof_of_work`) that were answered, by digest.

One that nobody answers is never stored.
"""

from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, delete, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Digest, UtcTime

used_challenges = Table(
    "used_challenges",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("expires_at", UtcTime, nullable=False),  # from then on the challenge is refused for its age
    Index("ix_used_challenges_expires_at", "expires_at"),
)


def spend(db: Connection, digest: bytes, *, expires_at: datetime) -> bool:
    """Mark the challenge as used. Returns False if it was used before."""
    spent = upsert(db, used_challenges).values(digest=digest, expires_at=expires_at).on_conflict_do_nothing()
    return db.scalar(spent.returning(used_challenges.c.digest)) is not None


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(used_challenges.c.digest)
        .where(used_challenges.c.expires_at < before)
        .order_by(used_challenges.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(used_challenges).where(used_challenges.c.digest.in_(old))).rowcount
