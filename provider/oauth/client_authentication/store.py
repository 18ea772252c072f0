"""The `jti` values of single-use JWTs, kept for as long as the JWT could be used again."""

from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    select,
    text,
    tuple_,
)

from provider.database.base import metadata
from provider.database.prepared import Prepared
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
_SPEND = Prepared(
    text(
        "INSERT INTO used_assertions (issuer, jti, expires_at) VALUES (:used_issuer, :used_jti, :used_until) "
        "ON CONFLICT (issuer, jti) DO UPDATE SET expires_at = excluded.expires_at "
        "WHERE used_assertions.expires_at <= :used_now"
    ).bindparams(
        bindparam("used_issuer", type_=String),
        bindparam("used_jti", type_=Digest),
        bindparam("used_until", type_=UtcTime),
        bindparam("used_now", type_=UtcTime),
    )
)


def spend(db: Connection, *, issuer: str, jti: bytes, expires_at: datetime, now: datetime) -> bool:
    """Use a `jti`. Returns False if it was used before and that JWT has not expired.

    One statement decides, so of several requests at the same moment one gets True.
    """
    values = {"used_issuer": issuer, "used_jti": jti, "used_until": expires_at, "used_now": now}
    return _SPEND.change(db, values) == 1


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(used_assertions.c.issuer, used_assertions.c.jti).where(used_assertions.c.expires_at < before)
    rows = [tuple(row) for row in db.execute(old.order_by(used_assertions.c.expires_at).limit(limit))]
    these = tuple_(used_assertions.c.issuer, used_assertions.c.jti).in_(rows)
    return db.execute(delete(used_assertions).where(these)).rowcount
