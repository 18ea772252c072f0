"""The users who turned two-factor authentication on with passkeys. An authenticator app turns it on by itself."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Table, delete, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.owners import Owners
from provider.database.types import Identifier, UtcTime

two_factor_choices = Table(
    "two_factor_choices",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("created_at", UtcTime, nullable=False),
)
_OWNERS = Owners(two_factor_choices.c.user_id)


def add(db: Connection, user_id: str, *, now: datetime) -> bool:
    """Note the choice. Returns False if it was noted before."""
    added = upsert(db, two_factor_choices).values(user_id=user_id, created_at=now).on_conflict_do_nothing()
    return db.scalar(added.returning(two_factor_choices.c.user_id)) is not None


def remove(db: Connection, user_id: str) -> None:
    db.execute(delete(two_factor_choices).where(two_factor_choices.c.user_id == user_id))


def find_time(db: Connection, user_id: str) -> datetime | None:
    """Return when the user turned it on, or None."""
    return db.scalar(select(two_factor_choices.c.created_at).where(two_factor_choices.c.user_id == user_id))


def find_owners(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these users turned it on."""
    return _OWNERS.among(db, user_ids)
