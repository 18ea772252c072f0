"""The idempotency_keys table: stored responses to requests that created something, for requests that are repeated."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, Text, delete, func, insert, select

from provider.database.base import metadata
from provider.database.dialect import is_postgresql
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, UtcTime

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("digest", Digest, primary_key=True),  # of the key and its caller
    Column("sealed", Text, nullable=False),  # the answer and what was asked, encrypted: some answers hold secrets
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_idempotency_keys_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class KeptAnswer:
    digest: bytes
    sealed: str
    expires_at: datetime


_ANSWER = rows_of(KeptAnswer, idempotency_keys)


def hold(db: Connection, digest: bytes) -> bool:
    """Lock this key until the transaction ends. Returns False if another request holds it."""
    if not is_postgresql(db):
        return True  # whoever writes is alone
    number = int.from_bytes(digest[:8], signed=True)
    return bool(db.scalar(select(func.pg_try_advisory_xact_lock(number))))


def find(db: Connection, digest: bytes, *, now: datetime) -> KeptAnswer | None:
    table = idempotency_keys
    return _ANSWER.one(db, _ANSWER.select().where(table.c.digest == digest, table.c.expires_at > now))


def keep(db: Connection, answer: KeptAnswer) -> None:
    """Store a response, replacing an expired one with the same key. The caller must hold the key."""
    db.execute(delete(idempotency_keys).where(idempotency_keys.c.digest == answer.digest))
    db.execute(insert(idempotency_keys), values_of(answer))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(idempotency_keys.c.digest)
        .where(idempotency_keys.c.expires_at < before)
        .order_by(idempotency_keys.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(idempotency_keys).where(idempotency_keys.c.digest.in_(old))).rowcount
