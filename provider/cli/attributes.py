"""The commands `signet attribute`: declare attributes of users beyond their profile."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.arguments import json_file
from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, print_one, print_rows, say

if TYPE_CHECKING:
    from provider.accounts.store.user_attributes import Attribute

app = typer.Typer(help="Manage attributes of users.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the attribute.")]
OURS = frozenset({"id", "name", "released_since", "created_at", "updated_at"})
"""What `show` prints and no declaration has."""


@app.command(name="list")
def list_attributes(*, as_json: Json = False) -> None:
    """List the declared attributes.

    Example: signet attribute list
    """
    from provider.accounts.store import user_attributes

    with unit() as work:
        rows = [_described(one) for one in user_attributes.find_all(work.read)]
    print_rows(rows, ("name", "type", "label", "scope", "claim", "updated_at"), as_json=as_json)


@app.command()
def show(name: Name, *, as_json: Json = False) -> None:
    """Show an attribute.

    Example: signet attribute show customer_number --json
    """
    from provider.accounts.attributes.declared import find_attribute

    with unit() as work:
        found = _described(find_attribute(work, name))
    print_one(found, as_json=as_json)


@app.command()
def put(
    name: Name,
    file: Annotated[str, typer.Argument(help="JSON file with type, label, rules and more; or - for stdin.")],
    *,
    as_json: Json = False,
) -> None:
    """Declare an attribute, or replace its declaration. Values that exist stay as they are.

    Its format: docs/guides/user-attributes.md.

    Example: signet attribute put customer_number customer_number.json
    """
    from provider.accounts.attributes.declarations import parse_declaration
    from provider.accounts.attributes.declared import put_attribute

    kept = {member: value for member, value in json_file(file).items() if member not in OURS}
    with unit() as work:
        made = _described(put_attribute(work, name, parse_declaration(name, kept)))
    say(f"Declared {name}.", made, as_json=as_json)


@app.command()
def delete(name: Name, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an attribute, with the values of all users.

    Example: signet attribute delete customer_number --yes
    """
    from provider.accounts.attributes.declared import delete_attribute

    confirm(f"Delete {name} and the values of all users?", yes=yes)
    with unit() as work:
        delete_attribute(work, name)
    say(f"Deleted {name}.", {"name": name, "deleted": True}, as_json=as_json)


def _described(one: "Attribute") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)
