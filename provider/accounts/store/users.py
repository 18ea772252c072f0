"""The users table: a user's status, roles and claims."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    Select,
    String,
    Table,
    and_,
    bindparam,
    delete,
    literal_column,
    or_,
    select,
    update,
)

from provider.accounts.store import roles as user_roles
from provider.accounts.store.group_tables import own_names_of_user, roles_of_user, split_names, with_roles_of_groups
from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.rows import rows_of
from provider.database.security_stamp import next_not_before, stamp_of
from provider.database.types import Identifier, UtcTime
from provider.sessions.store import ACTIVE_USER

ADMIN = "admin"
"""The role of operators."""


class Status(StrEnum):
    INACTIVE = "INACTIVE"  # registered; no address confirmed yet
    ACTIVE = ACTIVE_USER
    SUSPENDED = "SUSPENDED"
    LEAVING = "LEAVING"  # asked to be deleted; nothing of it counts, and it may be kept until `delete_after`


IN_USE = (Status.ACTIVE, Status.LEAVING)
"""Statuses of accounts that own their address even if they never verified it."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The `last_sign_in_at` of a user who has not signed in. It is not NULL, so that an index has every user."""

users = Table(
    "users",
    metadata,
    Column("id", Identifier, primary_key=True),  # also the public `sub`
    Column("status", String(10), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("not_before", UtcTime),  # when access last ended; the security stamp of the account
    Column("claims", JSON, nullable=False),  # standard OIDC claims the person gave: name, locale, address, ...
    Column("roles", JSON, nullable=False),
    Column("status_reason", String(200)),
    Column("delete_after", UtcTime),
    Column("last_sign_in_at", UtcTime, nullable=False),  # NEVER by default, for nodes of an earlier release
    Index("ix_users_created_at", "created_at"),
    Index("ix_users_last_sign_in_at_id", "last_sign_in_at", "id"),
    Index("ix_users_delete_after", "delete_after"),
)
# Written out, as the index needs it: with parameters, the databases do not see that it holds these rows.
NOT_IN_USE = users.c.status.in_([literal_column(f"'{each}'") for each in Status if each not in IN_USE])


def declare_indexes() -> None:
    """Add the partial indexes to the table, for migrations. Their options load the dialects, for which starts would
    wait.
    """
    inactive = users.c.status == Status.INACTIVE.value
    Index("ix_users_inactive_created_at", users.c.created_at, sqlite_where=inactive, postgresql_where=inactive)
    Index("ix_users_not_in_use", users.c.id, sqlite_where=NOT_IN_USE, postgresql_where=NOT_IN_USE)


@dataclass(frozen=True)
class User:
    id: str
    status: str
    created_at: datetime
    updated_at: datetime
    not_before: datetime | None
    claims: dict[str, Any]
    roles: list[str]
    status_reason: str | None
    delete_after: datetime | None = None
    last_sign_in_at: datetime = NEVER
    own_groups: str | None = None
    """The names of the groups that the user is a member of, as the database returns them."""
    group_roles: str | None = None
    """The roles of all groups that the user is in, as the database returns them."""

    @property
    def groups(self) -> list[str]:
        """The names of the groups that the user is a member of."""
        return split_names(self.own_groups)

    @property
    def roles_of_groups(self) -> list[str]:
        """The roles of all groups that the user is in."""
        return split_names(self.group_roles)

    @property
    def effective_roles(self) -> list[str]:
        """The user's own roles, and those of the user's groups."""
        return with_roles_of_groups(self.roles, self.group_roles)

    @property
    def has_signed_in(self) -> bool:
        return self.last_sign_in_at > NEVER

    @property
    def security_stamp(self) -> datetime:
        return stamp_of(self.not_before)

    @property
    def language(self) -> str | None:
        """The user's preferred language, from the standard `locale` claim."""
        locale = self.claims.get("locale")
        return locale if isinstance(locale, str) else None


USER = rows_of(
    User, users, own_groups=own_names_of_user(users.c.id, users), group_roles=roles_of_user(users.c.id, users)
)
_FIND = USER.prepare(USER.select().where(users.c.id == bindparam("user_id")))
_SET_LAST_SIGN_IN = Prepared(
    update(users).where(users.c.id == bindparam("user_id")).values(last_sign_in_at=bindparam("now"))
)


def find(db: Connection, user_id: str) -> User | None:
    return _FIND.one(db, {"user_id": user_id})


def find_ids(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these ids are those of users."""
    return set(db.scalars(select(users.c.id).where(users.c.id.in_(user_ids))))


def lock(db: Connection, user_id: str) -> bool:
    """Lock the user's row until this transaction ends. Returns False if there is no such user."""
    return db.scalar(select(users.c.id).where(users.c.id == user_id).with_for_update()) is not None


def lock_those(db: Connection, user_ids: list[str]) -> list[User]:
    """Lock the rows of these users, in one order, until this transaction ends. Return the users as they are now."""
    return USER.all(db, USER.select().where(users.c.id.in_(user_ids)).order_by(users.c.id).with_for_update())


def find_those(db: Connection, user_ids: Collection[str]) -> list[User]:
    return USER.all(db, USER.select().where(users.c.id.in_(user_ids)))


def find_page(db: Connection, *, after: str | None = None, limit: int = 100) -> list[User]:
    """Return a page of users in order of their ids: the order of creation, except for ids that were brought along.
    `after` is the last id of the previous page.
    """
    query = USER.select().order_by(users.c.id).limit(limit)
    return USER.all(db, query if after is None else query.where(users.c.id > after))


def find_old(db: Connection, between: tuple[str, str], *, before: datetime) -> list[str]:
    """Return the ids in a range of users that were created before."""
    return list(db.scalars(select(users.c.id).where(users.c.id.between(*between), users.c.created_at < before)))


def find_latest(db: Connection, *, before: tuple[datetime, str] | None, limit: int) -> list[tuple[datetime, str]]:
    """Return when the latest users were created, and their ids, latest first. `before` is the last of the previous
    page.
    """
    query = select(users.c.created_at, users.c.id).order_by(users.c.created_at.desc(), users.c.id.desc()).limit(limit)
    if before is not None:
        moment, user_id = before
        same_moment = and_(users.c.created_at == moment, users.c.id < user_id)
        query = query.where(users.c.created_at <= moment, or_(users.c.created_at < moment, same_moment))
    return [(row.created_at, row.id) for row in db.execute(query)]


def activate(db: Connection, user_id: str, *, now: datetime) -> bool:
    """Set INACTIVE to ACTIVE. Returns False if the user was not INACTIVE."""
    inactive = (users.c.id == user_id, users.c.status == Status.INACTIVE)
    return db.execute(update(users).where(*inactive).values(status=Status.ACTIVE, updated_at=now)).rowcount == 1


def suspend(db: Connection, user_id: str, *, reason: str | None, now: datetime) -> bool:
    """Set any status to SUSPENDED. Returns False if there is no such user or it is suspended already."""
    unsuspended = (users.c.id == user_id, users.c.status != Status.SUSPENDED)
    values = {
        "status": Status.SUSPENDED,
        "status_reason": reason,
        "updated_at": now,
        "delete_after": None,
    }
    return db.execute(update(users).where(*unsuspended).values(**values)).rowcount == 1


def restore(db: Connection, user_id: str, *, status: Status, now: datetime) -> bool:
    suspended = (users.c.id == user_id, users.c.status == Status.SUSPENDED)
    values = {"status": status, "status_reason": None, "updated_at": now}
    return db.execute(update(users).where(*suspended).values(**values)).rowcount == 1


def leave(db: Connection, user_id: str, *, delete_after: datetime, now: datetime) -> bool:
    """Set ACTIVE to LEAVING. Returns False if the user was not ACTIVE."""
    active = (users.c.id == user_id, users.c.status == Status.ACTIVE)
    values = {"status": Status.LEAVING, "delete_after": delete_after, "updated_at": now}
    return db.execute(update(users).where(*active).values(**values)).rowcount == 1


def keep(db: Connection, user_id: str, *, now: datetime) -> bool:
    """Set LEAVING to ACTIVE. Returns False if the user was not LEAVING."""
    leaving = (users.c.id == user_id, users.c.status == Status.LEAVING)
    values = {"status": Status.ACTIVE, "delete_after": None, "updated_at": now}
    return db.execute(update(users).where(*leaving).values(**values)).rowcount == 1


def find_due(db: Connection, *, before: datetime, limit: int) -> list[str]:
    """Return and lock the ids of LEAVING users whose `delete_after` is before `before`.

    The lock stops a user from keeping the account meanwhile.
    """
    due = (users.c.delete_after < before, users.c.status == Status.LEAVING)
    return list(db.scalars(select(users.c.id).where(*due).limit(limit).with_for_update()))


def change_security_stamp(db: Connection, user_id: str, *, now: datetime) -> datetime:
    """Change the security stamp, which invalidates every session and grant so far; return the new one.

    Only `accounts.access` calls this.
    """
    row = users.c.id == user_id
    stored = db.scalar(_lock_stamp(user_id))
    not_before = next_not_before(stored, now=now)
    db.execute(update(users).where(row).values(not_before=not_before))
    return stamp_of(not_before)


def lock_security_stamp(db: Connection, user_id: str) -> datetime | None:
    """Return the security stamp. Until this transaction ends, no one changes it, and others who ask for it wait. None
    if there is no such user.
    """
    row = db.execute(_lock_stamp(user_id)).one_or_none()
    return None if row is None else stamp_of(row.not_before)


def _lock_stamp(user_id: str) -> Select[Any]:
    # Not against rows that refer to the user's: whoever adds them would wait, too.
    return select(users.c.not_before).where(users.c.id == user_id).with_for_update(key_share=True)


def set_last_sign_in(db: Connection, user_id: str, *, now: datetime) -> None:
    _SET_LAST_SIGN_IN.change(db, {"user_id": user_id, "now": now})


def touch(db: Connection, user_id: str, *, now: datetime) -> None:
    """Set `updated_at`: something that applications can read about this user changed in another table."""
    db.execute(update(users).where(users.c.id == user_id).values(updated_at=now))


def set_roles(db: Connection, user_id: str, roles: list[str], *, now: datetime) -> bool:
    changed = update(users).where(users.c.id == user_id).values(roles=roles, updated_at=now)
    if db.execute(changed).rowcount == 0:
        return False
    user_roles.replace(db, user_id, roles, now=now)
    return True


def set_claims(db: Connection, user_id: str, claims: dict[str, Any], *, now: datetime) -> bool:
    changed = update(users).where(users.c.id == user_id).values(claims=claims, updated_at=now)
    return db.execute(changed).rowcount == 1


def change_claims(
    db: Connection, user_id: str, change: Callable[[dict[str, Any]], dict[str, Any]], *, now: datetime
) -> None:
    """Replace the claims with `change` of the current claims, with the row locked."""
    row = db.execute(select(users.c.claims).where(users.c.id == user_id).with_for_update()).one_or_none()
    if row is not None:
        set_claims(db, user_id, change(row.claims), now=now)


def remove(db: Connection, user_id: str) -> bool:
    return db.execute(delete(users).where(users.c.id == user_id)).rowcount == 1


def remove_all(db: Connection, user_ids: list[str]) -> None:
    db.execute(delete(users).where(users.c.id.in_(user_ids)))
