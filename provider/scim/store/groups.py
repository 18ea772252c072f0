"""Queries about groups that SCIM clients ask: by display name, with their members, and those of several users."""

from collections.abc import Collection

from sqlalchemy import Connection, and_, func, or_, select

from provider.accounts.store.group_tables import group_members, nested_groups, user_groups
from provider.accounts.store.groups import GROUP, GroupRow


def find_those(db: Connection, names: Collection[str]) -> dict[str, GroupRow]:
    """Return these groups by their names."""
    return {row.name: row for row in GROUP.all(db, GROUP.select().where(user_groups.c.name.in_(names)))}


def find_page(
    db: Connection, *, after: str | None = None, skip: int = 0, limit: int, descending: bool = False
) -> list[str]:
    """Return a page of the names of groups, in order of their names."""
    name = user_groups.c.name
    query = select(name).order_by(name.desc() if descending else name).offset(skip or None).limit(limit)
    if after is not None:
        query = query.where(name < after if descending else name > after)
    return list(db.scalars(query))


def count(db: Connection) -> int:
    return db.scalar(select(func.count()).select_from(user_groups)) or 0


def find_titled(db: Connection, title: str, *, limit: int) -> list[str]:
    """Return the names of the groups that are shown with this name: their display name, or else their own."""
    shown = or_(
        user_groups.c.display_name == title, and_(user_groups.c.name == title, user_groups.c.display_name == "")
    )
    return list(db.scalars(select(user_groups.c.name).where(shown).limit(limit)))


def find_of_users(db: Connection, user_ids: Collection[str]) -> dict[str, list[GroupRow]]:
    """Return the groups that each of these users is a member of, in order of their names."""
    query = (
        GROUP.select()
        .add_columns(group_members.c.user_id)
        .join(group_members, group_members.c.group_name == user_groups.c.name)
        .where(group_members.c.user_id.in_(user_ids))
        .order_by(user_groups.c.name)
    )
    found: dict[str, list[GroupRow]] = {}
    for *row, user_id in db.execute(query):
        found.setdefault(user_id, []).append(GROUP.make(*row))
    return found


def find_members(db: Connection, names: Collection[str], *, limit: int) -> list[tuple[str, str]]:
    """Return pairs of group and user, in order, for the members of these groups."""
    query = select(group_members.c.group_name, group_members.c.user_id).where(group_members.c.group_name.in_(names))
    query = query.order_by(group_members.c.group_name, group_members.c.user_id).limit(limit)
    return [(name, user_id) for name, user_id in db.execute(query)]


def find_contained(db: Connection, names: Collection[str]) -> list[tuple[str, str]]:
    """Return pairs of group and contained group, in order."""
    query = select(nested_groups.c.group_name, nested_groups.c.contained)
    query = query.where(nested_groups.c.group_name.in_(names))
    query = query.order_by(nested_groups.c.group_name, nested_groups.c.contained)
    return [(name, contained) for name, contained in db.execute(query)]
