"""The commands `signet details-type`: declare what applications can ask for in detail (RFC 9396)."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.arguments import json_file
from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, print_one, print_rows, say

if TYPE_CHECKING:
    from provider.oauth.authorization_details.store import DetailsType

app = typer.Typer(help="Manage types of authorization details (RFC 9396).", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TYPE", help="Name of the type, as applications send it.")]


@app.command(name="list")
def list_types(*, as_json: Json = False) -> None:
    """List the types of authorization details.

    Example: signet details-type list
    """
    from provider.oauth.authorization_details import store

    with unit() as work:
        rows = [_described(one) for one in store.find_all(work.read)]
    print_rows(rows, ("type", "label", "resources", "updated_at"), as_json=as_json)


@app.command()
def show(name: Name, *, as_json: Json = False) -> None:
    """Show a type of authorization details.

    Example: signet details-type show payment_initiation --json
    """
    from provider.oauth.authorization_details.types import find_type

    with unit() as work:
        found = _described(find_type(work, name))
    print_one(found, as_json=as_json)


@app.command()
def put(
    name: Name,
    file: Annotated[
        str, typer.Argument(help="JSON file with label, description, fields, json_schema, resources; or - for stdin.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Declare a type of authorization details, or replace its declaration.

    Its format: docs/guides/authorization-details.md.

    Example: signet details-type put payment_initiation payment.json
    """
    from provider.oauth.authorization_details.types import parse_declaration, put_type

    given = json_file(file)
    kept = {member: value for member, value in given.items() if member not in {"type", "created_at", "updated_at"}}
    with unit() as work:
        made = _described(put_type(work, name, parse_declaration(kept)))
    say(f"Declared {name}.", made, as_json=as_json)


@app.command()
def delete(name: Name, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a type of authorization details.

    Example: signet details-type delete payment_initiation --yes
    """
    from provider.oauth.authorization_details.types import delete_type

    confirm(f"Delete {name}? Applications can't ask for it any more.", yes=yes)
    with unit() as work:
        delete_type(work, name)
    say(f"Deleted {name}.", {"type": name, "deleted": True}, as_json=as_json)


def _described(one: "DetailsType") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)
