"""Groups of users: their names, members, owners and roles, and which group contains which."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, ScalarSelect, Table, delete, func, insert, literal, select, union_all, update

from provider.accounts.store import roles
from provider.accounts.store.group_tables import group_members, group_owners, group_roles, nested_groups, user_groups
from provider.accounts.store.roles import COUNTED
from provider.database.dialect import upsert
from provider.database.rows import Rows, rows_of, values_of


@dataclass(frozen=True)
class GroupRow:
    name: str
    display_name: str
    description: str
    created_at: datetime
    updated_at: datetime


GROUP = rows_of(GroupRow, user_groups)


@dataclass(frozen=True)
class ListedGroup(GroupRow):
    members: int
    """How many users are members of the group itself, at most `COUNTED` + 1."""


def add(db: Connection, group: GroupRow) -> bool:
    """Add a group. Returns False if there is one with this name."""
    added = upsert(db, user_groups).values(values_of(group)).on_conflict_do_nothing().returning(user_groups.c.name)
    return db.scalar(added) is not None


def change(db: Connection, group: GroupRow) -> None:
    """Replace the names and times of a group."""
    db.execute(update(user_groups).where(user_groups.c.name == group.name).values(values_of(group)))


def remove(db: Connection, name: str) -> None:
    db.execute(delete(user_groups).where(user_groups.c.name == name))


def lock(db: Connection, names: Collection[str]) -> set[str]:
    """Lock these groups, in one order, until this transaction ends. Returns the names of those that there are."""
    found = select(user_groups.c.name).where(user_groups.c.name.in_(names)).order_by(user_groups.c.name)
    return set(db.scalars(found.with_for_update()))


def find(db: Connection, name: str) -> GroupRow | None:
    return GROUP.one(db, GROUP.select().where(user_groups.c.name == name))


def find_existing(db: Connection, names: Collection[str]) -> set[str]:
    """Return which of these groups there are."""
    return set(db.scalars(select(user_groups.c.name).where(user_groups.c.name.in_(names))))


def find_page(db: Connection, *, after: str | None, limit: int) -> list[ListedGroup]:
    """Return a page of groups in order of their names."""
    page = _listed().select().order_by(user_groups.c.name).limit(limit)
    return _listed().all(db, page if after is None else page.where(user_groups.c.name > after))


def count_members(db: Connection, name: str) -> int:
    """Return how many users are members of the group itself, at most `COUNTED` + 1."""
    return db.scalar(select(_count(name))) or 0


def _count(name: object) -> ScalarSelect[int]:
    some = select(literal(1).label("one")).where(group_members.c.group_name == name).limit(COUNTED + 1)
    if not isinstance(name, str):
        some = some.correlate(user_groups)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def _listed() -> Rows[ListedGroup]:
    return rows_of(ListedGroup, user_groups, members=_count(user_groups.c.name))


def find_roles(db: Connection, names: Collection[str]) -> list[str]:
    """Return the roles that are given to these groups, in order."""
    return sorted(db.scalars(select(group_roles.c.role).distinct().where(group_roles.c.group_name.in_(names))))


def find_roles_by_group(db: Connection, names: Collection[str]) -> dict[str, set[str]]:
    """Return, by name, the roles that members of these groups have through each: its own, and those of groups that
    contain it. Groups that give none are left out.
    """
    own = select(group_roles.c.group_name, group_roles.c.role).where(group_roles.c.group_name.in_(names))
    around = (
        select(nested_groups.c.contained, group_roles.c.role)
        .join(group_roles, group_roles.c.group_name == nested_groups.c.group_name)
        .where(nested_groups.c.contained.in_(names))
    )
    found: dict[str, set[str]] = {}
    for name, role in db.execute(union_all(own, around)):
        found.setdefault(name, set()).add(role)
    return found


def find_contained(db: Connection, names: Collection[str]) -> list[str]:
    """Return the names of the groups that these contain, in order."""
    found = select(nested_groups.c.contained).distinct().where(nested_groups.c.group_name.in_(names))
    return sorted(db.scalars(found))


def find_containing(db: Connection, names: Collection[str]) -> list[str]:
    """Return the names of the groups that contain one of these, in order."""
    found = select(nested_groups.c.group_name).distinct().where(nested_groups.c.contained.in_(names))
    return sorted(db.scalars(found))


def find_with_contained(db: Connection, names: Collection[str]) -> list[str]:
    """Return which of these groups contain groups, in order."""
    return sorted(
        db.scalars(select(nested_groups.c.group_name).distinct().where(nested_groups.c.group_name.in_(names)))
    )


def find_owners(db: Connection, name: str) -> list[str]:
    """Return the ids of the owners of a group, in order."""
    return sorted(db.scalars(select(group_owners.c.user_id).where(group_owners.c.group_name == name)))


def find_owned(db: Connection, user_id: str) -> list[str]:
    """Return the names of the groups that a user owns, in order."""
    return sorted(db.scalars(select(group_owners.c.group_name).where(group_owners.c.user_id == user_id)))


def find_members(db: Connection, name: str, *, after: str | None = None, limit: int) -> list[str]:
    """Return the ids of the members of the group itself, in order."""
    found = select(group_members.c.user_id).where(group_members.c.group_name == name)
    found = found.order_by(group_members.c.user_id).limit(limit)
    return list(db.scalars(found if after is None else found.where(group_members.c.user_id > after)))


def find_of_user(db: Connection, user_id: str) -> list[str]:
    """Return the names of the groups that a user is a member of, in order."""
    return sorted(db.scalars(select(group_members.c.group_name).where(group_members.c.user_id == user_id)))


def find_with_role(db: Connection, role: str) -> list[str]:
    """Return the names of the groups that have a role, in order."""
    return sorted(db.scalars(select(group_roles.c.group_name).where(group_roles.c.role == role)))


def add_member(db: Connection, name: str, user_id: str) -> bool:
    """Add a member. Returns False if the user is one already."""
    added = upsert(db, group_members).values(group_name=name, user_id=user_id).on_conflict_do_nothing()
    return db.scalar(added.returning(group_members.c.user_id)) is not None


def add_members(db: Connection, groups_of: Mapping[str, Collection[str]]) -> None:
    """Make users who are in no group yet members: their ids, and the names of their groups."""
    rows = [{"group_name": name, "user_id": user_id} for user_id, names in groups_of.items() for name in names]
    if rows:
        db.execute(insert(group_members), rows)


def remove_member(db: Connection, name: str, user_id: str) -> bool:
    """Remove a member. Returns False if the user is none."""
    member = (group_members.c.group_name == name, group_members.c.user_id == user_id)
    return db.execute(delete(group_members).where(*member)).rowcount == 1


def replace_roles(db: Connection, name: str, given: Collection[str], *, now: datetime) -> None:
    """Give exactly these roles to a group. A role that is new is added to the list of roles."""
    _replace(db, group_roles, name, "role", given)
    roles.add_new(db, given, now=now)


def replace_owners(db: Connection, name: str, user_ids: Collection[str]) -> None:
    _replace(db, group_owners, name, "user_id", user_ids)


def replace_contained(db: Connection, name: str, contained: Collection[str]) -> None:
    _replace(db, nested_groups, name, "contained", contained)


def _replace(db: Connection, table: Table, name: str, column: str, values: Collection[str]) -> None:
    db.execute(delete(table).where(table.c.group_name == name))
    if values:
        db.execute(insert(table), [{"group_name": name, column: value} for value in values])


def remove_role(db: Connection, role: str) -> None:
    """Take a role from every group."""
    db.execute(delete(group_roles).where(group_roles.c.role == role))
