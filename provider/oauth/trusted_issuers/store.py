"""The trusted issuers: servers whose JWTs are accepted, with the place of their keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Index,
    String,
    Table,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

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
    Column("enabled_at", UtcTime),  # when it was last enabled again: what was issued before stays ended
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
    enabled_at: datetime | None = None
    """When it was last enabled again. None if it was never disabled."""


_ISSUER = rows_of(TrustedIssuer, trusted_issuers)
_BY_ISSUER = _ISSUER.prepare(_ISSUER.select().where(trusted_issuers.c.issuer == bindparam("issuer")))


def is_accepted(
    issuer: ColumnElement[Any], at: ColumnElement[Any], *, or_at: ColumnElement[bool] | None = None
) -> ColumnElement[bool]:
    """Return the condition, for a query about something else, that a column names no issuer, or one that is trusted
    now and has been without a break since `at`.

    `or_at`: what is accepted whenever it began, as long as the issuer is trusted now.
    """
    since = func.coalesce(trusted_issuers.c.enabled_at, trusted_issuers.c.created_at)
    unbroken = or_(since <= at, false() if or_at is None else or_at)
    found = exists().where(trusted_issuers.c.issuer == issuer, trusted_issuers.c.disabled_at.is_(None), unbroken)
    return or_(issuer.is_(None), found)


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


def disable(db: Connection, issuer_id: str, *, now: datetime) -> bool:
    """Disable the issuer. Returns False if it was disabled before."""
    enabled = (trusted_issuers.c.id == issuer_id, trusted_issuers.c.disabled_at.is_(None))
    return db.execute(update(trusted_issuers).where(*enabled).values(disabled_at=now)).rowcount == 1


def enable(db: Connection, issuer_id: str, *, now: datetime) -> bool:
    """Enable the issuer again. Returns False if it was not disabled."""
    disabled = (trusted_issuers.c.id == issuer_id, trusted_issuers.c.disabled_at.is_not(None))
    changed = update(trusted_issuers).where(*disabled).values(disabled_at=None, enabled_at=now)
    return db.execute(changed).rowcount == 1


def remove(db: Connection, issuer_id: str) -> bool:
    return db.execute(delete(trusted_issuers).where(trusted_issuers.c.id == issuer_id)).rowcount == 1
