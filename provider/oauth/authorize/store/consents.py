"""Consents: the scopes and single claims that a user granted to a client, one row for each pair."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, Connection, ForeignKey, PrimaryKeyConstraint, String, Table, delete

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
    PrimaryKeyConstraint("user_id", "client_id"),
)


@dataclass(frozen=True)
class Consent:
    user_id: str
    client_id: str
    scopes: list[str]
    claims: list[str]
    granted_at: datetime


_CONSENT = rows_of(Consent, consents)


def find(db: Connection, user_id: str, client_id: str) -> Consent | None:
    query = _CONSENT.select().where(consents.c.user_id == user_id, consents.c.client_id == client_id)
    return _CONSENT.one(db, query)


def put(db: Connection, consent: Consent) -> None:
    """Store a consent, replacing the earlier one of this user and client."""
    statement = upsert(db, consents).values(values_of(consent))
    new = {"scopes": consent.scopes, "claims": consent.claims, "granted_at": consent.granted_at}
    db.execute(statement.on_conflict_do_update(index_elements=["user_id", "client_id"], set_=new))


def find_of_user(db: Connection, user_id: str) -> list[Consent]:
    query = _CONSENT.select().where(consents.c.user_id == user_id).order_by(consents.c.granted_at.desc())
    return _CONSENT.all(db, query)


def remove(db: Connection, user_id: str, client_id: str) -> bool:
    gone = delete(consents).where(consents.c.user_id == user_id, consents.c.client_id == client_id)
    return db.execute(gone).rowcount == 1
