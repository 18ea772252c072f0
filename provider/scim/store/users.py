"""What SCIM clients said of users: the user name, and the profile as it was sent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from provider.accounts.store.directories import scim_users
from provider.accounts.store.email_addresses import EmailAddress, email_addresses
from provider.accounts.store.users import IN_USE, NOT_IN_USE, User, users
from provider.database.dialect import queue_for, upsert
from provider.database.rows import rows_of, values_of
from provider.database.types import BEYOND


@dataclass(frozen=True)
class ScimUser:
    user_id: str
    user_name: str
    user_name_key: str
    profile: dict[str, Any]
    updated_at: datetime


_USER = rows_of(ScimUser, scim_users)
_HAS_VERIFIED = exists().where(email_addresses.c.user_id == users.c.id, email_addresses.c.verified_at.is_not(None))


def find_those(db: Connection, user_ids: Collection[str]) -> dict[str, ScimUser]:
    """Return what was said of these users, by their ids."""
    return {one.user_id: one for one in _USER.all(db, _USER.select().where(scim_users.c.user_id.in_(user_ids)))}


def find_of_name(db: Connection, key: str) -> str | None:
    """Return the id of the user with this user name, by its search key."""
    return db.scalar(select(scim_users.c.user_id).where(scim_users.c.user_name_key == key))


def find_beginning(db: Connection, key: str, *, limit: int) -> list[str]:
    """Return the users whose user name begins with this search key, in order."""
    name = scim_users.c.user_name_key
    query = select(scim_users.c.user_id).where(name >= key, name < key + BEYOND).order_by(name)
    return list(db.scalars(query.limit(limit)))


def lock_name(db: Connection, key: str) -> None:
    """Keep others from taking the user name until the transaction ends."""
    queue_for(db, f"scim {key}")


def put(db: Connection, user: ScimUser) -> None:
    """Store what was said of a user. The user name must be locked, and free."""
    added = upsert(db, scim_users).values(values_of(user))
    names = ("user_name", "user_name_key", "profile", "updated_at")
    new = {name: added.excluded[name] for name in names}
    db.execute(added.on_conflict_do_update(index_elements=["user_id"], set_=new))


def _is_provisionable() -> ColumnElement[bool]:
    """Return the condition for users that clients see: those who own their address. Anyone can sign up with one."""
    return or_(users.c.status.in_(IN_USE), _HAS_VERIFIED)


def is_provisionable(user: User, address: EmailAddress | None) -> bool:
    """Return whether clients see a user, whose verified address is preferred, by the same condition."""
    return user.status in IN_USE or (address is not None and address.verified_at is not None)


def find_page(
    db: Connection, *, after: tuple[Any, str] | None = None, skip: int = 0, limit: int, order: str, descending: bool
) -> list[tuple[Any, str]]:
    """Return a page of users as pairs of what they are sorted by and their id. `order` is `id` or `created_at`."""
    column, key = users.c[order], users.c.id
    query = select(column, key).where(_is_provisionable())
    if after is not None:
        value, user_id = after
        beyond = column < value if descending else column > value
        same = key < user_id if descending else key > user_id
        start = column <= value if descending else column >= value  # where the index begins
        query = query.where(beyond) if order == "id" else query.where(start, or_(beyond, same))
    by = (column.desc(), key.desc()) if descending else (column, key)
    query = query.order_by(*by[: 1 if order == "id" else 2]).offset(skip or None).limit(limit)
    return [(value, user_id) for value, user_id in db.execute(query)]


def count(db: Connection) -> int:
    """Return how many users clients see: all of them but the few who own no address. These have an index, and all users
    are counted in the smallest index.
    """
    everyone = select(func.count()).select_from(users).scalar_subquery()
    owning_none = select(func.count()).select_from(users).where(NOT_IN_USE, ~_HAS_VERIFIED).scalar_subquery()
    return int(db.scalar(select(everyone - owning_none)) or 0)


def find_provisionable(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these users clients see."""
    return set(db.scalars(select(users.c.id).where(users.c.id.in_(user_ids), _is_provisionable())))


def find_created(db: Connection, *, after: datetime | None, before: datetime | None, limit: int) -> list[str]:
    """Return the users who were created from a time on, up to another one, the ends included."""
    query = select(users.c.id).order_by(users.c.created_at, users.c.id).limit(limit)
    if after is not None:
        query = query.where(users.c.created_at >= after)
    return list(db.scalars(query if before is None else query.where(users.c.created_at <= before)))
