"""What a person granted to a client: remembered per pair, scopes and single claims."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, Connection, ForeignKey, PrimaryKeyConstraint, String, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from provider.database.base import metadata
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


def find(db: Connection, user_id: str, client_id: str) -> Consent | None:
    query = select(consents).where(consents.c.user_id == user_id, consents.c.client_id == client_id)
    row = db.execute(query).one_or_none()
    return None if row is None else Consent(*row)


def put(db: Connection, consent: Consent) -> None:
    """Replace what was granted before."""
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    statement = insert(consents).values(**consent.__dict__)
    new = {"scopes": consent.scopes, "claims": consent.claims, "granted_at": consent.granted_at}
    db.execute(statement.on_conflict_do_update(index_elements=["user_id", "client_id"], set_=new))


def find_of_user(db: Connection, user_id: str) -> list[Consent]:
    query = select(consents).where(consents.c.user_id == user_id).order_by(consents.c.granted_at.desc())
    return [Consent(*row) for row in db.execute(query)]


def remove(db: Connection, user_id: str, client_id: str) -> bool:
    gone = delete(consents).where(consents.c.user_id == user_id, consents.c.client_id == client_id)
    return db.execute(gone).rowcount == 1
