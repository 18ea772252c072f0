"""Profile pictures, one per user, as Signet drew them. A new picture gets a new id, so each can be cached forever."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, LargeBinary, String, Table, delete, insert

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

pictures = Table(
    "pictures",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("media_type", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)


@dataclass(frozen=True)
class Picture:
    id: str
    user_id: str
    media_type: str
    content: bytes
    created_at: datetime


_PICTURE = rows_of(Picture, pictures)


def find(db: Connection, picture_id: str) -> Picture | None:
    return _PICTURE.one(db, _PICTURE.select().where(pictures.c.id == picture_id))


def find_of_user(db: Connection, user_id: str) -> Picture | None:
    return _PICTURE.one(db, _PICTURE.select().where(pictures.c.user_id == user_id))


def replace(db: Connection, picture: Picture) -> None:
    remove(db, picture.user_id)
    db.execute(insert(pictures), values_of(picture))


def remove(db: Connection, user_id: str) -> bool:
    return db.execute(delete(pictures).where(pictures.c.user_id == user_id)).rowcount == 1
