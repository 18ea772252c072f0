"""The installation's own secrets, one of each name, stored encrypted and never replaced."""

from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import UtcTime

installation_secrets = Table(
    "installation_secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)


def find(db: Connection, name: str) -> str | None:
    found: str | None = db.scalar(select(installation_secrets.c.sealed).where(installation_secrets.c.name == name))
    return found


def add(db: Connection, name: str, sealed: str, *, now: datetime) -> bool:
    """Store a secret. Returns False if there is one of this name, which is never replaced."""
    row = {"name": name, "sealed": sealed, "created_at": now}
    added = upsert(db, installation_secrets).values(row).on_conflict_do_nothing().returning(installation_secrets.c.name)
    return db.scalar(added) is not None
