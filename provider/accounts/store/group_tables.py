"""The tables of groups, and the queries for the groups and roles that a user has through them.

A group can contain groups that contain none. The members of a contained group are in the containing one, too.
The roles of all these groups are the user's. They are read with the user's row, in the same statement.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    ForeignKey,
    FromClause,
    Index,
    PrimaryKeyConstraint,
    ScalarSelect,
    Select,
    String,
    Table,
    case,
    func,
    literal_column,
    select,
    union,
)

from provider.database.base import metadata
from provider.database.types import Identifier, Name, UtcTime

LONGEST_DISPLAY_NAME = 100
LONGEST_DESCRIPTION = 200

user_groups = Table(
    "user_groups",
    metadata,
    Column("name", Name, primary_key=True),
    Column("display_name", String(LONGEST_DISPLAY_NAME), nullable=False),
    Column("description", String(LONGEST_DESCRIPTION), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)


def _group(name: str) -> Column[str]:
    return Column(name, Name, ForeignKey("user_groups.name", ondelete="CASCADE"), nullable=False)


def _user() -> Column[str]:
    return Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


group_members = Table(
    "group_members",
    metadata,
    _group("group_name"),
    _user(),
    PrimaryKeyConstraint("group_name", "user_id"),
    Index("ix_group_members_user_id_group_name", "user_id", "group_name"),
)
group_owners = Table(
    "group_owners",
    metadata,
    _group("group_name"),
    _user(),
    PrimaryKeyConstraint("group_name", "user_id"),
    Index("ix_group_owners_user_id", "user_id"),
)
group_roles = Table(
    "group_roles",
    metadata,
    _group("group_name"),
    Column("role", Name, nullable=False),
    PrimaryKeyConstraint("group_name", "role"),
    Index("ix_group_roles_role", "role"),
)
nested_groups = Table(
    "nested_groups",
    metadata,
    _group("group_name"),
    _group("contained"),
    PrimaryKeyConstraint("contained", "group_name"),
    Index("ix_nested_groups_group_name", "group_name"),
)


def split_names(text: str | None) -> list[str]:
    """Return the names in a column of `names_of_user`, in order."""
    return sorted(text.split(" ")) if text else []


def with_roles_of_groups(roles: Iterable[str], of_groups: str | None) -> list[str]:
    """Return a user's own roles, and then those of the user's groups. `of_groups` is a column of `roles_of_user`."""
    return list(dict.fromkeys((*roles, *split_names(of_groups))))


def effective_groups(user_id: ColumnElement[str], of: FromClause | None = None) -> CompoundSelect[tuple[str]]:
    """Return the query for the names of the groups that a user is in, also through a contained group.

    `of` is the table of `user_id` in the statement around it.
    """
    own = select(group_members.c.group_name.label("name")).where(group_members.c.user_id == user_id)
    around = (
        select(nested_groups.c.group_name.label("name"))
        .join(group_members, group_members.c.group_name == nested_groups.c.contained)
        .where(group_members.c.user_id == user_id)
    )
    return union(own, around) if of is None else union(own.correlate(of), around.correlate(of))


def names_of_user(user_id: ColumnElement[str], of: FromClause) -> ColumnElement[str | None]:
    """Return the column with the names of the groups that a user is in, also through a contained group."""
    found = effective_groups(user_id, of).subquery("effective")
    return _if_in_groups(user_id, of, _together(found.c.name, found))


def own_names_of_user(user_id: ColumnElement[str], of: FromClause) -> ScalarSelect[str]:
    """Return the column with the names of the groups that a user is a member of."""
    joined = _together(group_members.c.group_name, group_members, group_members.c.user_id == user_id)
    return joined.correlate(of)


def roles_of_user(user_id: ColumnElement[str], of: FromClause) -> ColumnElement[str | None]:
    """Return the column with the roles of the groups that a user is in."""
    found = effective_groups(user_id, of).subquery("effective")
    given = select(group_roles.c.role).distinct().join(found, found.c.name == group_roles.c.group_name)
    each = given.subquery("given")
    return _if_in_groups(user_id, of, _together(each.c.role, each))


def _if_in_groups(user_id: ColumnElement[str], of: FromClause, found: ScalarSelect[str]) -> ColumnElement[str | None]:
    # Users without groups cost a look into one index: these columns are in the statements of userinfo and refresh.
    own = select(group_members.c.user_id).where(group_members.c.user_id == user_id).correlate(of).exists()
    return case((own, found))


def _together(names: ColumnElement[str], source: FromClause, *conditions: ColumnElement[bool]) -> ScalarSelect[str]:
    # Names have no spaces, and their order on the two databases is not the same: `split_names` sorts them.
    return (
        select(func.aggregate_strings(names, literal_column("' '")))  # type: ignore[arg-type]  # it is no parameter
        .select_from(source)
        .where(*conditions)
        .scalar_subquery()
    )


def members_of(
    names: Collection[str] | Select[tuple[str]], *, among: Collection[str] | None = None
) -> CompoundSelect[tuple[str]]:
    """Return the query for the ids of the users, all or `among` these, who are in one of these groups, also through a
    contained group.
    """
    own = select(group_members.c.user_id).where(group_members.c.group_name.in_(names))
    within = (
        select(group_members.c.user_id)
        .join(nested_groups, nested_groups.c.contained == group_members.c.group_name)
        .where(nested_groups.c.group_name.in_(names))
    )
    if among is not None:
        own, within = (query.where(group_members.c.user_id.in_(among)) for query in (own, within))
    return union(own, within)


def holders_of(role: str) -> CompoundSelect[tuple[str]]:
    """Return the query for the ids of the users who have a role through a group."""
    return members_of(select(group_roles.c.group_name).where(group_roles.c.role == role))
