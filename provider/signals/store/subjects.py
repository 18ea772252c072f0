"""The signal_subjects table: the users that a receiver added to its stream, or removed from it, one by one."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Table, func, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Identifier, UtcTime

signal_subjects = Table(
    "signal_subjects",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "stream_id",
        Identifier,
        ForeignKey("signal_streams.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    Column("is_added", Boolean, nullable=False),  # or removed
    Column("created_at", UtcTime, nullable=False),
)


def put(db: Connection, stream_id: str, user_id: str, *, is_added: bool, now: datetime) -> None:
    values = {"stream_id": stream_id, "user_id": user_id, "is_added": is_added, "created_at": now}
    statement = upsert(db, signal_subjects).values(values)
    new = {"is_added": is_added, "created_at": now}
    db.execute(statement.on_conflict_do_update(index_elements=["user_id", "stream_id"], set_=new))


def of_user(db: Connection, user_id: str) -> Mapping[str, bool]:
    """Return whether the user was added, by stream. A stream without an entry treats the user by default."""
    c = signal_subjects.c
    return {row[0]: row[1] for row in db.execute(select(c.stream_id, c.is_added).where(c.user_id == user_id))}


def count(db: Connection, stream_id: str, *, is_added: bool) -> int:
    """Return how many users were added to a stream, or removed from it."""
    c = signal_subjects.c
    return db.scalar(select(func.count()).where(c.stream_id == stream_id, c.is_added == is_added)) or 0
