"""The target address of an email change or its undoing: one row per link, deleted with the link."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, String, Table, insert

from provider.accounts.store.links import LinkStatus, Purpose, one_time_links
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier

email_changes = Table(
    "email_changes",
    metadata,
    Column("link_id", Identifier, ForeignKey("one_time_links.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String(254), nullable=False),
    Column("normal", String(254), nullable=False),
)


@dataclass(frozen=True)
class EmailChange:
    link_id: str
    address: str
    normal: str


_CHANGE = rows_of(EmailChange, email_changes)


def add(db: Connection, change: EmailChange) -> None:
    db.execute(insert(email_changes), values_of(change))


def find(db: Connection, link_id: str) -> EmailChange | None:
    return _CHANGE.one(db, _CHANGE.select().where(email_changes.c.link_id == link_id))


def find_pending(db: Connection, user_id: str, *, now: datetime) -> EmailChange | None:
    """Return the change that this user requested and has not confirmed yet, or None."""
    query = (
        _CHANGE.select()
        .join(one_time_links, one_time_links.c.id == email_changes.c.link_id)
        .where(
            one_time_links.c.user_id == user_id,
            one_time_links.c.purpose == Purpose.CHANGE,
            one_time_links.c.status == LinkStatus.ACTIVE,
            one_time_links.c.expires_at > now,
        )
    )
    return _CHANGE.one(db, query.limit(1))
