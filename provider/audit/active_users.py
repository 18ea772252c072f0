"""The active_users table: the last day on which each user was active. There is at most one row for each user."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Index, Table, column, func, literal, select, table

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Identifier, UtcTime
from provider.work import UnitOfWork

BATCH = 500
"""The most users of one statement."""

active_users = Table(
    "active_users",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("day", UtcTime, nullable=False),  # its midnight, UTC
    Index("ix_active_users_day", "day"),
)
# The users table is accounts' and sits above this one, so it is named here without an import.
_users = table("users", column("id", Identifier))


def day_of(moment: datetime) -> datetime:
    """Return the midnight (UTC) at which the day of this moment began."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def mark(work: UnitOfWork, user_ids: Collection[str]) -> int:
    """Note that these users are active today. Returns how many of them were not yet, counting each once, also when
    several processes note the same user at the same moment. Users who were deleted meanwhile are left out.
    """
    today, first, ordered = day_of(work.now), 0, sorted(user_ids)
    for start in range(0, len(ordered), BATCH):
        batch = ordered[start : start + BATCH]
        noted = select(active_users.c.user_id).where(active_users.c.user_id.in_(batch), active_users.c.day >= today)
        new = set(batch).difference(work.read.scalars(noted))
        if new:
            first += _set(work.db, new, today)
    return first


def _set(db: Connection, user_ids: set[str], today: datetime) -> int:
    # In the order of their ids, so that two processes cannot wait for each other.
    existing = select(_users.c.id, literal(today, UtcTime)).where(_users.c.id.in_(user_ids)).order_by(_users.c.id)
    fresh = upsert(db, active_users).from_select(["user_id", "day"], existing)
    changed = fresh.on_conflict_do_update(
        index_elements=["user_id"], set_={"day": fresh.excluded.day}, where=active_users.c.day < fresh.excluded.day
    )
    return len(db.scalars(changed.returning(active_users.c.user_id)).all())


def count(db: Connection, *, since: datetime, limit: int | None = None) -> int:
    """Return how many users were active on this day or later; with a limit, at most that."""
    rows = select(active_users.c.user_id).where(active_users.c.day >= since).limit(limit).subquery()
    return db.scalar(select(func.count()).select_from(rows)) or 0
