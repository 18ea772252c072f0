"""Consents: the scopes, single claims and APIs that a user granted to a client, one row for each pair."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    ForeignKey,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    select,
)

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

consents = Table(
    "consents",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scopes", JSON, nullable=False),
    Column("claims", JSON, nullable=False),
    Column("granted_at", UtcTime, nullable=False),
    Column("resources", JSON(none_as_null=True)),  # NULL: granted before they were shown
    Column("authorization_details", JSON(none_as_null=True)),  # RFC 9396; NULL: none
    PrimaryKeyConstraint("user_id", "client_id"),
)


@dataclass(frozen=True)
class Consent:
    user_id: str
    client_id: str
    scopes: list[str]
    claims: list[str]
    granted_at: datetime
    resources: list[str] | None = None
    """The APIs that were named when the user consented (RFC 8707). None if that was before APIs were named."""
    authorization_details: list[dict[str, Any]] | None = None
    """The details that the user allowed and need not be asked for again (RFC 9396)."""


_CONSENT = rows_of(Consent, consents)
_FIND = _CONSENT.prepare(
    _CONSENT.select().where(
        consents.c.user_id == bindparam("user_id"),
        consents.c.client_id == bindparam("client_id"),
    )
)


def find(db: Connection, user_id: str, client_id: str) -> Consent | None:
    return _FIND.one(db, {"user_id": user_id, "client_id": client_id})


def put(db: Connection, consent: Consent) -> None:
    """Store a consent, replacing the earlier one of this user and client."""
    statement = upsert(db, consents).values(values_of(consent))
    new = {name: value for name, value in values_of(consent).items() if name not in {"user_id", "client_id"}}
    db.execute(statement.on_conflict_do_update(index_elements=["user_id", "client_id"], set_=new))


def find_users(db: Connection, client_id: str, *, after: str | None, limit: int) -> list[str]:
    """Return the users who consented to the client, in the order of their ids."""
    query = select(consents.c.user_id).where(consents.c.client_id == client_id)
    query = query if after is None else query.where(consents.c.user_id > after)
    return list(db.scalars(query.order_by(consents.c.user_id).limit(limit)))


def find_of_client(db: Connection, client_id: str, user_ids: Collection[str]) -> dict[str, Consent]:
    """Return the consents of these users to the client, by user id."""
    query = _CONSENT.select().where(consents.c.client_id == client_id, consents.c.user_id.in_(user_ids))
    return {consent.user_id: consent for consent in _CONSENT.all(db, query)}


def remove(db: Connection, user_id: str, client_id: str) -> bool:
    gone = delete(consents).where(consents.c.user_id == user_id, consents.c.client_id == client_id)
    return db.execute(gone).rowcount == 1
