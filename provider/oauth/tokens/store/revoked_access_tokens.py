"""Access tokens that were revoked one by one. They are not stored, so the `jti` of each is remembered."""

from datetime import datetime

from sqlalchemy import Column, Connection, Index, String, Table, bindparam, delete, exists, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import UtcTime

revoked_access_tokens = Table(
    "revoked_access_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_revoked_access_tokens_expires_at", "expires_at"),
)
IS_REVOKED = exists().where(revoked_access_tokens.c.jti == bindparam("jti"))
"""The condition that the access token with the parameter `jti` was revoked. Never true if `jti` is None."""


def add(db: Connection, jti: str, *, expires_at: datetime) -> None:
    """Remember a revoked access token until it would have expired anyway."""
    db.execute(upsert(db, revoked_access_tokens).values(jti=jti, expires_at=expires_at).on_conflict_do_nothing())


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Forget up to `limit` tokens that expired before `before`; return how many."""
    old = (
        select(revoked_access_tokens.c.jti)
        .where(revoked_access_tokens.c.expires_at < before)
        .order_by(revoked_access_tokens.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(revoked_access_tokens).where(revoked_access_tokens.c.jti.in_(old))).rowcount
