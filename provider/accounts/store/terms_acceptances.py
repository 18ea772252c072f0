"""Which versions of the terms of service users accepted, and when."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, String, Table, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of
from provider.database.types import Identifier, UtcTime

terms_acceptances = Table(
    "terms_acceptances",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("version", String(100), primary_key=True),
    Column("accepted_at", UtcTime, nullable=False),
)


@dataclass(frozen=True)
class Acceptance:
    user_id: str
    version: str
    accepted_at: datetime


ACCEPTANCE = rows_of(Acceptance, terms_acceptances)


def add(db: Connection, user_id: str, version: str, *, now: datetime) -> bool:
    """Add an acceptance. Returns False if the user has accepted this version before; its time stays."""
    added = upsert(db, terms_acceptances).values(user_id=user_id, version=version, accepted_at=now)
    return db.scalar(added.on_conflict_do_nothing().returning(terms_acceptances.c.user_id)) is not None


def has_accepted(db: Connection, user_id: str, version: str) -> bool:
    of_version = (terms_acceptances.c.user_id == user_id, terms_acceptances.c.version == version)
    return db.scalar(select(terms_acceptances.c.accepted_at).where(*of_version)) is not None


def find_of_users(db: Connection, user_ids: Collection[str]) -> list[Acceptance]:
    """Return what these users accepted, the earliest first."""
    query = ACCEPTANCE.select().where(terms_acceptances.c.user_id.in_(user_ids))
    return ACCEPTANCE.all(db, query.order_by(terms_acceptances.c.accepted_at, terms_acceptances.c.version))
