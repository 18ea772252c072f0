"""The commands `signet group`: groups of users, their members, owners and roles."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, print_one, print_rows, say

if TYPE_CHECKING:
    from provider.accounts.groups.groups import Group
    from provider.work import UnitOfWork

app = typer.Typer(help="Manage groups of users.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="GROUP", help="Name of the group, as applications get it in the claim.")]
Users = Annotated[list[str], typer.Argument(metavar="USER...", help="IDs or email addresses of the users.")]
DisplayName = Annotated[str | None, typer.Option(help="Name of the group for people.")]
Description = Annotated[str | None, typer.Option(help="Who belongs to the group, and what it is for.")]
Role = Annotated[list[str] | None, typer.Option(help="Role of all members. Can be repeated.")]
Contains = Annotated[
    list[str] | None, typer.Option(help="Group whose members are in this group, too. Can be repeated.")
]
Owner = Annotated[
    list[str] | None, typer.Option(help="ID or email address of a user who answers for the group. Can be repeated.")
]


@app.command()
def create(
    name: Name,
    *,
    display_name: DisplayName = None,
    description: Description = None,
    role: Role = None,
    contains: Contains = None,
    owner: Owner = None,
    as_json: Json = False,
) -> None:
    """Create a group.

    Example: signet group create engineering --role developer --owner ada@example.com
    """
    from provider.accounts.groups import groups

    with unit() as work:
        given = _given(work, display_name, description, roles=role, groups=contains, owners=owner)
        groups.create_group(work, name, groups.GroupSettings(**given))
        made = _described(groups.find_group(work, name))
    say(f"Created the group {name}.", made, as_json=as_json)


@app.command()
def update(
    name: Name,
    *,
    display_name: DisplayName = None,
    description: Description = None,
    role: Role = None,
    contains: Contains = None,
    owner: Owner = None,
    as_json: Json = False,
) -> None:
    """Change a group. Options that you leave out stay as they are. An empty value removes all, such as --role "".

    Example: signet group update engineering --role developer --role on-call
    """
    from dataclasses import replace

    from provider.accounts.groups import groups

    with unit() as work:
        before = groups.find_group(work, name).settings
        groups.change_group(
            work,
            name,
            replace(before, **_given(work, display_name, description, roles=role, groups=contains, owners=owner)),
        )
        made = _described(groups.find_group(work, name))
    say(f"Updated the group {name}.", made, as_json=as_json)


@app.command(name="list")
def list_groups(*, as_json: Json = False) -> None:
    """List groups.

    Example: signet group list
    """
    from provider.accounts.store import groups as store

    rows: list[dict[str, Any]] = []
    with unit() as work:
        while page := store.find_page(work.read, after=rows[-1]["name"] if rows else None, limit=500):
            rows += [dict(vars(row)) for row in page]
    print_rows(rows, ("name", "display_name", "members", "created_at"), as_json=as_json)


@app.command()
def show(name: Name, *, as_json: Json = False) -> None:
    """Show a group with its roles, owners and the groups it contains.

    Example: signet group show engineering --json
    """
    from provider.accounts.groups import groups

    with unit() as work:
        found = _described(groups.find_group(work, name))
    print_one(found, as_json=as_json)


@app.command()
def members(name: Name, *, as_json: Json = False) -> None:
    """List the members of a group. Those of the groups it contains are left out.

    Example: signet group members engineering
    """
    from provider.accounts import overview
    from provider.accounts.groups import groups
    from provider.accounts.groups.members import find_members

    rows: list[dict[str, Any]] = []
    after: str | None = None
    with unit() as work:
        groups.find_group(work, name)
        while True:
            found, after = find_members(work, name, after=after, limit=500)
            rows += [
                {"id": one.user.id, "email": one.email, "status": one.user.status}
                for one in overview.describe(work, found)
            ]
            if after is None:
                break
    print_rows(rows, ("id", "email", "status"), as_json=as_json)


@app.command()
def add(name: Name, users: Users, *, as_json: Json = False) -> None:
    """Add users to a group.

    Example: signet group add engineering ada@example.com grace@example.com
    """
    from provider.accounts.groups.members import add_member
    from provider.accounts.users import get_user
    from provider.savepoints import all_or_nothing

    with unit() as work, all_or_nothing(work):
        given = [(who, get_user(work, who).id) for who in users]
        added = [who for who, user_id in given if add_member(work, name, user_id=user_id)]
    say(f"Added to {name}: {', '.join(added) or 'no one'}.", {"group": name, "added": added}, as_json=as_json)


@app.command()
def remove(name: Name, users: Users, *, as_json: Json = False) -> None:
    """Remove users from a group.

    Example: signet group remove engineering ada@example.com
    """
    from provider.accounts.groups.members import remove_member
    from provider.accounts.users import get_user
    from provider.savepoints import all_or_nothing

    with unit() as work, all_or_nothing(work):
        given = [(who, get_user(work, who).id) for who in users]
        removed = [who for who, user_id in given if remove_member(work, name, user_id=user_id)]
    say(f"Removed from {name}: {', '.join(removed) or 'no one'}.", {"group": name, "removed": removed}, as_json=as_json)


@app.command()
def delete(name: Name, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a group. Its members lose the roles that they have through it.

    Example: signet group delete engineering --yes
    """
    from provider.accounts.groups.groups import delete_group

    confirm(f"Permanently delete the group {name}?", yes=yes)
    with unit() as work:
        delete_group(work, name)
    say(f"Deleted the group {name}.", {"name": name, "deleted": True}, as_json=as_json)


def _given(
    work: "UnitOfWork",
    display_name: str | None,
    description: str | None,
    *,
    roles: list[str] | None,
    groups: list[str] | None,
    owners: list[str] | None,
) -> dict[str, Any]:
    from provider.accounts.users import get_user

    options = {
        "display_name": display_name,
        "description": description,
        "roles": None if roles is None else tuple(filter(None, roles)),
        "groups": None if groups is None else tuple(filter(None, groups)),
        "owners": None if owners is None else tuple(get_user(work, one).id for one in owners if one),
    }
    return {name: value for name, value in options.items() if value is not None}


def _described(group: "Group") -> dict[str, Any]:
    settings = group.settings
    return {
        "name": group.name,
        "display_name": settings.display_name,
        "description": settings.description,
        "roles": list(settings.roles),
        "groups": list(settings.groups),
        "contained_in": list(group.contained_in),
        "owners": list(settings.owners),
        "members": group.members,
        "created_at": group.created_at,
        "updated_at": group.updated_at,
    }
