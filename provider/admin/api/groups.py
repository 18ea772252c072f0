"""The groups of users: list, show, create, change and delete them, and their members."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from provider.accounts import overview
from provider.accounts.groups import groups as rules
from provider.accounts.groups import members
from provider.accounts.groups.groups import (
    MOST_CONTAINED,
    MOST_OWNERS,
    MOST_ROLES,
    GroupSettings,
    InvalidGroupSettings,
    NestedTooDeep,
    NoSuchGroup,
)
from provider.accounts.groups.members import TooManyGroups
from provider.accounts.groups.names import InvalidGroup
from provider.accounts.roles.names import InvalidRole
from provider.accounts.roles.permissions import Permission
from provider.accounts.store.group_tables import LONGEST_DESCRIPTION, LONGEST_DISPLAY_NAME
from provider.accounts.store.roles import COUNTED
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import Role, user_id_of
from provider.admin.operation import Resource, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, InvalidBody, Line
from provider.api.callers import Operator
from provider.api.validation import VISIBLE
from provider.operators import group_authority
from provider.operators.authority import LastAdministrator
from provider.web.call import Call

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=VISIBLE)]
UserId = Annotated[str, Field(max_length=36, json_schema_extra={"format": "uuid"})]


class ListedGroup(Body):
    """A group, as the list of groups has it."""

    name: str = Field(description="The group's name, as applications get it in the claim `groups`. It never changes.")
    display_name: str = Field(description="The name for people. Empty if it is the same.")
    description: str = Field(description="Who belongs to the group, and what it is for.")
    members: int = Field(
        description=f"How many users are members of the group itself. {COUNTED + 1} means more than {COUNTED}."
    )
    created_at: datetime = Field(description="When the group was created.")
    updated_at: datetime = Field(description="When its settings were last changed.")


class Group(ListedGroup):
    """A group with its roles, owners and the groups it contains."""

    roles: list[str] = Field(description="The roles of its members, and of the members of the groups it contains.")
    groups: list[str] = Field(description="The groups it contains. Their members are in this group, too.")
    contained_in: list[str] = Field(description="The groups that contain it.")
    owners: list[str] = Field(description="The IDs of the users who answer for it.")


class Groups(Body):
    """A page of groups."""

    groups: list[ListedGroup] = Field(description="The groups, in order of their names.")
    next: str | None = Field(None, description=NEXT)


class NewSettings(Body):
    """The settings of a group. Members that are left out are empty."""

    display_name: Line = Field("", max_length=LONGEST_DISPLAY_NAME, description="The name for people.")
    description: Line = Field(
        "", max_length=LONGEST_DESCRIPTION, description="Who belongs to the group, and what it is for, for operators."
    )
    roles: tuple[Role, ...] = Field((), max_length=MOST_ROLES, description="The roles of its members.")
    groups: tuple[Name, ...] = Field(
        (), max_length=MOST_CONTAINED, description="The groups it contains. They can't contain groups themselves."
    )
    owners: tuple[UserId, ...] = Field(
        (), max_length=MOST_OWNERS, description="The IDs of the users who answer for it."
    )


class Member(Body):
    """A member of a group."""

    user_id: str = Field(description="The user's ID.")
    email: str | None = Field(None, description="The email address.")
    status: str = Field(description="The status of the account, such as `ACTIVE`.")


class Members(Body):
    """A page of the members of a group."""

    members: list[Member] = Field(description="The members, in order of their IDs.")
    next: str | None = Field(None, description=NEXT)


def _name(call: Call) -> str:
    return call.path_params["group"]


def _show(call: Call) -> Group:
    found = rules.find_group(call.work, _name(call))
    settings = found.settings
    return Group(
        name=found.name,
        display_name=settings.display_name,
        description=settings.description,
        members=found.members,
        created_at=found.created_at,
        updated_at=found.updated_at,
        roles=list(settings.roles),
        groups=list(settings.groups),
        contained_in=list(found.contained_in),
        owners=list(settings.owners),
    )


GROUP = Resource(lambda call: rules.lock_group(call.work, _name(call)), _show)


@by_operator(needs=Permission.GROUPS_READ, gives=Groups, asks=PAGED, problems=(InvalidBody,))
def list_groups(call: Call, _operator: Operator, _body: Body) -> Groups:
    """List groups. They are in order of their names."""
    page = query_page(call, "groups")
    after = None if page.after is None else page.after["group"]
    found, further = rules.find_page(call.work, after=after, limit=page.limit)
    return Groups(
        groups=[ListedGroup(**vars(row)) for row in found],
        next=None if further is None else next_of(call, "groups", group=further),
    )


@by_operator(needs=Permission.GROUPS_READ, of=GROUP, gives=Group, problems=(NoSuchGroup,))
def show_group(call: Call, _operator: Operator, _body: Body) -> Group:
    """Get a group."""
    return _show(call)


@by_operator(
    needs=Permission.GROUPS_WRITE,
    of=GROUP,
    takes=NewSettings,
    gives=Group,
    problems=(InvalidGroup, NoSuchGroup, InvalidRole, InvalidGroupSettings, NestedTooDeep, LastAdministrator),
)
def put_group(call: Call, operator: Operator, body: NewSettings) -> Group:
    """Create a group or replace its settings. Its members stay."""
    settings = GroupSettings(body.display_name, body.description, body.roles, body.groups, body.owners)
    group_authority.put_group(call.work, operator.permissions, _name(call), settings)
    return _show(call)


@by_operator(needs=Permission.GROUPS_WRITE, of=GROUP, problems=(NoSuchGroup, LastAdministrator))
def delete_group(call: Call, operator: Operator, _body: Body) -> None:
    """Delete a group. Its members lose the roles that they have through it."""
    group_authority.delete_group(call.work, operator.permissions, _name(call))


@by_operator(needs=Permission.GROUPS_READ, gives=Members, asks=PAGED, problems=(NoSuchGroup, InvalidBody))
def list_members(call: Call, _operator: Operator, _body: Body) -> Members:
    """List the members of a group. Those of the groups it contains are left out."""
    group = rules.find_group(call.work, _name(call))
    page = query_page(call, f"groups/{group.name}")
    after = None if page.after is None else page.after["user"]
    found, further = members.find_members(call.work, group.name, after=after, limit=page.limit)
    return Members(
        members=[
            Member(user_id=one.user.id, email=one.email, status=one.user.status)
            for one in overview.describe(call.work, found)
        ],
        next=None if further is None else next_of(call, f"groups/{group.name}", user=further),
    )


@by_operator(needs=Permission.GROUPS_WRITE, problems=(NoSuchGroup, NoSuchUser, TooManyGroups))
def add_member(call: Call, operator: Operator, _body: Body) -> None:
    """Add a member to a group. Has no effect if the user is a member. A user can be in at most 1,000 groups."""
    group_authority.add_member(call.work, operator.permissions, _name(call), user_id=user_id_of(call))


@by_operator(needs=Permission.GROUPS_WRITE, problems=(NoSuchGroup, NoSuchUser, LastAdministrator))
def remove_member(call: Call, operator: Operator, _body: Body) -> None:
    """Remove a member of a group. Has no effect if the user is no member."""
    group_authority.remove_member(call.work, operator.permissions, _name(call), user_id=user_id_of(call))
