"""The `jti` values of single-use JWTs, kept for as long as the JWT could be used again."""

from datetime import datetime

from sqlalchemy import Column, Connection, Index, PrimaryKeyConstraint, String, Table, delete, select, tuple_

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Digest, UtcTime

used_assertions = Table(
    "used_assertions",
    metadata,
    Column("issuer", String(128), nullable=False),  # who made it: a client_id
    Column("jti", Digest, nullable=False),
    Column("expires_at", UtcTime, nullable=False),  # from then on it is refused for its age
    PrimaryKeyConstraint("issuer", "jti"),
    Index("ix_used_assertions_expires_at", "expires_at"),
)


def spend(db: Connection, *, issuer: str, jti: bytes, expires_at: datetime, now: datetime) -> bool:
    """Use a `jti`. Returns False if it was used before and that JWT has not expired."""
    statement = upsert(db, used_assertions).values(issuer=issuer, jti=jti, expires_at=expires_at)
    spent = statement.on_conflict_do_update(
        index_elements=["issuer", "jti"],
        set_={"expires_at": expires_at},
        where=used_assertions.c.expires_at <= now,
    )
    return db.scalar(spent.returning(used_assertions.c.issuer)) is not None


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(used_assertions.c.issuer, used_assertions.c.jti).where(used_assertions.c.expires_at < before)
    rows = [tuple(row) for row in db.execute(old.limit(limit))]
    these = tuple_(used_assertions.c.issuer, used_assertions.c.jti).in_(rows)
    return db.execute(delete(used_assertions).where(these)).rowcount
