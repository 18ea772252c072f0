"""The digests of clients' secrets. A secret that is the key of an HMAC is stored encrypted too."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    bindparam,
    delete,
    false,
    insert,
    or_,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime

client_secrets = Table(
    "client_secrets",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("digest", Digest, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),  # the one before a rotation stays valid until then
    Column("sealed", Text),  # the secret itself, encrypted; only of clients registered for client_secret_jwt
    Column("is_short", Boolean, nullable=False, server_default=false()),  # its digest is keyed, as it could be guessed
    Index("ix_client_secrets_client_id", "client_id"),
    Index("ix_client_secrets_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class SecretRow:
    """A valid secret: its digest, and the encrypted secret if it is the key of an HMAC."""

    digest: bytes
    sealed: str | None
    is_short: bool


@dataclass(frozen=True)
class SecretDates:
    """When a secret was created, and when it stops working. None: it doesn't expire."""

    id: str
    created_at: datetime
    expires_at: datetime | None
    is_short: bool


_SECRET = rows_of(SecretRow, client_secrets)
_VALID = _SECRET.prepare(
    _SECRET.select().where(
        client_secrets.c.client_id == bindparam("client_id"),
        or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > bindparam("now")),
    )
)
_DATES = rows_of(SecretDates, client_secrets)
_ADD = Prepared(insert(client_secrets))


def add(db: Connection, secret: SecretRow, *, secret_id: str, client_id: str, now: datetime) -> None:
    values = {"id": secret_id, "client_id": client_id, "created_at": now, "expires_at": None}
    _ADD.change(db, values_of(secret) | values)


def retire(db: Connection, client_id: str, *, expires_at: datetime) -> None:
    """End every secret of the client at `expires_at`, unless it ends earlier."""
    later = or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > expires_at)
    current = (client_secrets.c.client_id == client_id, later)
    db.execute(update(client_secrets).where(*current).values(expires_at=expires_at))


def end_retired(db: Connection, client_id: str, *, now: datetime) -> int:
    """End the secrets that would have expired later; return how many."""
    retired = (client_secrets.c.client_id == client_id, client_secrets.c.expires_at > now)
    return db.execute(update(client_secrets).where(*retired).values(expires_at=now)).rowcount


def forget_sealed(db: Connection, client_id: str) -> None:
    """Delete the encrypted secrets of the client, so that only the digests are kept."""
    db.execute(update(client_secrets).where(client_secrets.c.client_id == client_id).values(sealed=None))


def find_valid(db: Connection, client_id: str, *, now: datetime) -> list[SecretRow]:
    """Return the valid secrets of the client."""
    return _VALID.all(db, {"client_id": client_id, "now": now})


def find_dates(db: Connection, client_id: str, *, now: datetime) -> list[SecretDates]:
    """Return the valid secrets of the client without their digests, the newest first."""
    valid = or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > now)
    query = _DATES.select().where(client_secrets.c.client_id == client_id, valid)
    return _DATES.all(db, query.order_by(client_secrets.c.created_at.desc(), client_secrets.c.id.desc()))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(client_secrets.c.id)
        .where(client_secrets.c.expires_at < before)
        .order_by(client_secrets.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(client_secrets).where(client_secrets.c.id.in_(old))).rowcount
