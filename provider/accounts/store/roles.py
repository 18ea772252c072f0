"""The roles that there are, and who has which.

The roles of a user are in the user's own row. `user_roles` has them again, to find users by role.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    PrimaryKeyConstraint,
    ScalarSelect,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    union,
    union_all,
    update,
)

from provider.accounts.store.group_tables import effective_groups, group_roles, holders_of, members_of
from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.prepared import Prepared
from provider.database.rows import Rows, rows_of
from provider.database.types import Identifier, Name, UtcTime

LONGEST_DESCRIPTION = 200
COUNTED = 1000
"""The most users that are counted. A role can have a million."""

roles = Table(
    "roles",
    metadata,
    Column("name", Name, primary_key=True),
    Column("description", String(LONGEST_DESCRIPTION), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("required_factor", String(16)),  # what its users must sign in with; NULL for nothing
)
user_roles = Table(
    "user_roles",
    metadata,
    Column("role", Name, nullable=False),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("role", "user_id"),
)


@dataclass(frozen=True)
class RoleRow:
    name: str
    description: str
    users: int
    """How many users have it, at most `COUNTED` + 1."""
    required_factor: str | None


def give(db: Connection, user_id: str, names: Iterable[str], *, now: datetime) -> None:
    """Note the roles of a user who has none yet. A role that is new is added."""
    give_all(db, {user_id: names}, now=now)


def give_all(db: Connection, names_of: Mapping[str, Iterable[str]], *, now: datetime) -> None:
    """Note the roles of users who have none yet, by their ids."""
    rows = [{"role": name, "user_id": user_id} for user_id, names in names_of.items() for name in sorted(set(names))]
    if not rows:
        return
    db.execute(insert(user_roles), rows)
    add_new(db, sorted({row["role"] for row in rows}), now=now)


def add_new(db: Connection, names: Iterable[str], *, now: datetime) -> None:
    """Add those of these roles that there are none of yet."""
    new = [{"name": name, "description": "", "created_at": now} for name in names]
    if new:
        db.execute(upsert(db, roles).values(new).on_conflict_do_nothing())


def replace(db: Connection, user_id: str, names: Iterable[str], *, now: datetime) -> None:
    """Note the roles of a user instead of those before."""
    db.execute(delete(user_roles).where(user_roles.c.user_id == user_id))
    give(db, user_id, names, now=now)


def add(db: Connection, name: str, description: str, *, now: datetime) -> bool:
    """Add a role. Returns False if there is one with this name."""
    new = upsert(db, roles).values(name=name, description=description, created_at=now)
    return db.scalar(new.on_conflict_do_nothing().returning(roles.c.name)) is not None


def lock(db: Connection, name: str) -> bool:
    """Lock the role until this transaction ends. Returns False if there is none with this name."""
    return db.scalar(select(roles.c.name).where(roles.c.name == name).with_for_update()) is not None


def describe(db: Connection, name: str, description: str) -> bool:
    changed = update(roles).where(roles.c.name == name).values(description=description)
    return db.execute(changed).rowcount == 1


def require_factor(db: Connection, name: str, required_factor: str | None, *, now: datetime) -> None:
    """Set what users of the role must sign in with. A role that is new is added, like a built-in one no one has."""
    new = upsert(db, roles).values(name=name, description="", created_at=now, required_factor=required_factor)
    db.execute(new.on_conflict_do_update(index_elements=["name"], set_={"required_factor": required_factor}))


_user_id = bindparam("user_id", type_=Identifier)
_groups_of_user = effective_groups(_user_id).subquery()
_of_user = union_all(
    select(user_roles.c.role).where(user_roles.c.user_id == _user_id),
    select(group_roles.c.role).join(_groups_of_user, _groups_of_user.c.name == group_roles.c.group_name),
)
_REQUIRED_OF_USER = Prepared(
    select(roles.c.name, roles.c.required_factor).where(
        roles.c.required_factor.is_not(None), roles.c.name.in_(_of_user)
    ),
    (roles.c.name, roles.c.required_factor),
)


def find_required_of_user(db: Connection, user_id: str) -> list[tuple[str, str]]:
    """Return the name and the required factor of each role of the user, also through a group, that requires one."""
    return [(name, required) for name, required in _REQUIRED_OF_USER.rows(db, {"user_id": user_id})]


def find_bound(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these users have a role, also through a group, that requires a factor."""
    if len(user_ids) == 1:  # as at a sign-in
        (user_id,) = user_ids
        return {user_id} if find_required_of_user(db, user_id) else set()
    strict = select(roles.c.name).where(roles.c.required_factor.is_not(None))
    bound = select(user_roles.c.user_id).where(user_roles.c.user_id.in_(user_ids), user_roles.c.role.in_(strict))
    in_groups = members_of(select(group_roles.c.group_name).where(group_roles.c.role.in_(strict)), among=user_ids)
    found = in_groups.subquery()
    return set(db.scalars(union(bound, select(found.c.user_id))))


def find_required_factors(db: Connection) -> dict[str, str]:
    """Return what each role requires, for those that require something."""
    found = select(roles.c.name, roles.c.required_factor).where(roles.c.required_factor.is_not(None))
    return {row.name: row.required_factor for row in db.execute(found)}


def remove(db: Connection, name: str) -> bool:
    return db.execute(delete(roles).where(roles.c.name == name)).rowcount == 1


def find(db: Connection, name: str) -> RoleRow | None:
    return _rows().one(db, _rows().select().where(roles.c.name == name))


def find_page(db: Connection, *, without: Collection[str], after: str | None, limit: int) -> list[RoleRow]:
    """Return a page of roles in order of their names, except those in `without`."""
    page = _rows().select().where(roles.c.name.not_in(without))
    if after is not None:
        page = page.where(roles.c.name > after)
    return _rows().all(db, page.order_by(roles.c.name).limit(limit))


def count_users(db: Connection, name: str) -> int:
    """Return how many users have the role, at most `COUNTED` + 1."""
    return db.scalar(select(_count(name))) or 0


def find_holders(db: Connection, name: str, *, limit: int) -> list[str]:
    """Return the ids of users who have the role, themselves or through a group, in order."""
    own, found = select(user_roles.c.user_id).where(user_roles.c.role == name), holders_of(name).subquery()
    each = union(own, select(found.c.user_id)).subquery()
    return list(db.scalars(select(each.c.user_id).order_by(each.c.user_id).limit(limit)))


def find_users(db: Connection, name: str, *, after: str | None = None, limit: int) -> list[str]:
    """Return the ids of users who have the role themselves, in order."""
    found = select(user_roles.c.user_id).where(user_roles.c.role == name).order_by(user_roles.c.user_id).limit(limit)
    return list(db.scalars(found if after is None else found.where(user_roles.c.user_id > after)))


def _count(name: object) -> ScalarSelect[int]:
    some = select(literal(1).label("one")).where(user_roles.c.role == name).limit(COUNTED + 1)
    if not isinstance(name, str):
        some = some.correlate(roles)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def _rows() -> Rows[RoleRow]:
    return rows_of(RoleRow, roles, users=_count(roles.c.name))
