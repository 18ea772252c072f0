"""The passwords table: one hash per user, and the hash of another system until the user signs in with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, String, Table, Text, bindparam, delete, insert, select, update

from provider.database.base import metadata
from provider.database.owners import Owners
from provider.database.prepared import Prepared
from provider.database.rows import rows_of
from provider.database.types import Identifier, UtcTime

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", String(100), nullable=False),  # bcrypt: names its own version and cost
    Column("changed_at", UtcTime, nullable=False),
    Column("imported", Text),  # the hash of another system, encrypted; `hash` is then one that no password has
)


@dataclass(frozen=True)
class StoredPassword:
    """A password as it is stored. `imported` is the encrypted hash of another system, or None."""

    hash: str
    imported: str | None = None


_ADD = Prepared(insert(passwords))
_STORED = rows_of(StoredPassword, passwords)
_FIND = _STORED.prepare(_STORED.select().where(passwords.c.user_id == bindparam("user_id")))
_FIND_TIME = Prepared(
    select(passwords.c.changed_at).where(passwords.c.user_id == bindparam("user_id")), (passwords.c.changed_at,)
)
_OWNERS = Owners(passwords.c.user_id)


def add(db: Connection, user_id: str, hashed: str, *, now: datetime) -> None:
    add_all(db, {user_id: StoredPassword(hashed)}, now=now)


def add_all(db: Connection, given: Mapping[str, StoredPassword], *, now: datetime) -> None:
    """Add the passwords of users who have none yet, by their ids."""
    rows = [
        {"user_id": user_id, "hash": one.hash, "imported": one.imported, "changed_at": now}
        for user_id, one in given.items()
    ]
    if len(rows) == 1:
        _ADD.change(db, rows[0])
    elif rows:
        db.execute(insert(passwords), rows)


def find(db: Connection, user_id: str) -> str | None:
    return db.scalar(select(passwords.c.hash).where(passwords.c.user_id == user_id))


def find_stored(db: Connection, user_id: str) -> StoredPassword | None:
    """Return the password as it is stored, or None if there is none."""
    return _FIND.one(db, {"user_id": user_id})


def find_time(db: Connection, user_id: str) -> datetime | None:
    """Return when the user's password was set, or None if there is none."""
    changed_at: datetime | None = _FIND_TIME.scalar(db, {"user_id": user_id})
    return changed_at


def find_owners(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these users have a password."""
    return _OWNERS.among(db, user_ids)


def replace(db: Connection, user_id: str, hashed: str, *, now: datetime) -> None:
    """Set the password hash, also for a user who had none."""
    changed = update(passwords).where(passwords.c.user_id == user_id).values(hash=hashed, changed_at=now, imported=None)
    if db.execute(changed).rowcount == 0:
        add(db, user_id, hashed, now=now)


def remove(db: Connection, user_id: str) -> bool:
    """Delete the password; no password is valid until another is set. Returns False if there was none."""
    return db.execute(delete(passwords).where(passwords.c.user_id == user_id)).rowcount == 1


def upgrade(db: Connection, user_id: str, *, old: str, new: str) -> bool:
    """Replace the hash of the same password. Returns False if the password was changed meanwhile."""
    same = (passwords.c.user_id == user_id, passwords.c.hash == old)
    return db.execute(update(passwords).where(*same).values(hash=new, imported=None)).rowcount == 1
