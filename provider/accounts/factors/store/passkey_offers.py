"""When users answered "Not now" to the offer of a passkey."""

from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Table, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Identifier, UtcTime

passkey_offers = Table(
    "passkey_offers",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("declined_at", UtcTime, nullable=False),
)


def find_time(db: Connection, user_id: str) -> datetime | None:
    """Return when this user last answered "Not now", or None."""
    return db.scalar(select(passkey_offers.c.declined_at).where(passkey_offers.c.user_id == user_id))


def decline(db: Connection, user_id: str, *, now: datetime) -> None:
    """Note that the user answered "Not now"."""
    statement = upsert(db, passkey_offers).values(user_id=user_id, declined_at=now)
    db.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_={"declined_at": now}))
