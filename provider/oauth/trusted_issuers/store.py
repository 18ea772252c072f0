"""The trusted issuers: servers whose JWTs are accepted, with the place of their keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, String, Table, bindparam, delete, insert, select, update

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

trusted_issuers = Table(
    "trusted_issuers",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("issuer", String(255), nullable=False),
    Column("jwks_uri", String(2000)),  # neither this nor jwks: its discovery document names the URL
    Column("jwks", JSON(none_as_null=True)),
    Column("algorithms", JSON, nullable=False),
    Column("user_mapping", String(16), nullable=False, server_default="none"),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Index("ix_trusted_issuers_issuer", "issuer", unique=True),
)


@dataclass(frozen=True)
class TrustedIssuer:
    id: str
    issuer: str
    jwks_uri: str | None
    jwks: dict[str, Any] | None
    algorithms: list[str]
    user_mapping: str
    """How a subject of the issuer is a user: `none`, `linked` or `sub`."""
    created_at: datetime
    disabled_at: datetime | None


_ISSUER = rows_of(TrustedIssuer, trusted_issuers)
_BY_ISSUER = _ISSUER.prepare(_ISSUER.select().where(trusted_issuers.c.issuer == bindparam("issuer")))


def add(db: Connection, issuer: TrustedIssuer) -> None:
    db.execute(insert(trusted_issuers), values_of(issuer))


def find(db: Connection, issuer_id: str) -> TrustedIssuer | None:
    return _ISSUER.one(db, _ISSUER.select().where(trusted_issuers.c.id == issuer_id))


def find_by_issuer(db: Connection, issuer: str) -> TrustedIssuer | None:
    """Return the row of the issuer with exactly this `iss`, or None."""
    return _BY_ISSUER.one(db, {"issuer": issuer})


def lock(db: Connection, issuer_id: str) -> bool:
    """Lock the row until this transaction ends. Returns False if there is no such issuer."""
    query = select(trusted_issuers.c.id).where(trusted_issuers.c.id == issuer_id)
    return db.scalar(query.with_for_update()) is not None


def find_all(db: Connection) -> list[TrustedIssuer]:
    return _ISSUER.all(db, _ISSUER.select().order_by(trusted_issuers.c.issuer))


def replace(db: Connection, issuer: TrustedIssuer) -> bool:
    """Store the keys, algorithms and mapping of an issuer. Returns False if there is none."""
    names = ("jwks_uri", "jwks", "algorithms", "user_mapping")
    values = {name: getattr(issuer, name) for name in names}
    return db.execute(update(trusted_issuers).where(trusted_issuers.c.id == issuer.id).values(values)).rowcount == 1


def set_disabled(db: Connection, issuer_id: str, at: datetime | None) -> bool:
    """Disable the issuer since `at`, or enable it with None. Returns False if nothing changed."""
    other = trusted_issuers.c.disabled_at.is_not(None) if at is None else trusted_issuers.c.disabled_at.is_(None)
    changed = update(trusted_issuers).where(trusted_issuers.c.id == issuer_id, other).values(disabled_at=at)
    return db.execute(changed).rowcount == 1


def remove(db: Connection, issuer_id: str) -> bool:
    return db.execute(delete(trusted_issuers).where(trusted_issuers.c.id == issuer_id)).rowcount == 1
