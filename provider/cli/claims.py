"""The commands `signet claims`: declare claims of your own, and preview what an application gets for a user."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.installation import opened, unit
from provider.cli.output import Json, Yes, confirm, print_json, print_one, print_rows, say
from provider.jose.json_objects import read_object

if TYPE_CHECKING:
    from provider.oauth.claim_mapping.store import ClaimMapping

app = typer.Typer(help="Manage claims of your own in tokens and userinfo.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the mapping.")]


@app.command(name="list")
def list_mappings(*, as_json: Json = False) -> None:
    """List the claim mappings.

    Example: signet claims list
    """
    from provider.oauth.claim_mapping import store

    with unit() as work:
        rows = [_described(one) for one in store.find_all(work.read)]
    print_rows(rows, ("name", "claim", "source", "client_id", "scope"), as_json=as_json)


@app.command()
def show(name: Name, *, as_json: Json = False) -> None:
    """Show a claim mapping.

    Example: signet claims show kubernetes-groups --json
    """
    from provider.oauth.tokens.claim_mappings import find_mapping

    with unit() as work:
        found = _described(find_mapping(work, name))
    print_one(found, as_json=as_json)


@app.command()
def put(
    name: Name,
    file: Annotated[str, typer.Argument(help="JSON file with the mapping; or - for stdin.")],
    *,
    as_json: Json = False,
) -> None:
    """Declare a claim mapping, or replace its declaration.

    Its format: docs/guides/claims.md.

    Example: signet claims put kubernetes-groups groups.json
    """
    from provider.oauth.claim_mapping.declarations import parse_declaration
    from provider.oauth.tokens.claim_mappings import put_mapping

    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    try:
        given = read_object(text)
    except ValueError as error:
        raise typer.BadParameter(f"{'stdin' if file == '-' else file} is not valid: {error}") from None
    kept = {member: value for member, value in given.items() if member not in {"name", "created_at", "updated_at"}}
    with unit() as work:
        made = _described(put_mapping(work, name, parse_declaration(kept)))
    say(f"Declared {name}.", made, as_json=as_json)


@app.command()
def delete(name: Name, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a claim mapping.

    Example: signet claims delete kubernetes-groups --yes
    """
    from provider.oauth.tokens.claim_mappings import delete_mapping

    confirm(f"Delete {name}? New tokens won't have its claim.", yes=yes)
    with unit() as work:
        delete_mapping(work, name)
    say(f"Deleted {name}.", {"name": name, "deleted": True}, as_json=as_json)


@app.command()
def preview(
    client_id: Annotated[str, typer.Argument(help="The client_id of the application.")],
    user: Annotated[str, typer.Argument(help="The email address or ID of the user.")],
    *,
    scope: Annotated[
        str, typer.Option(help="Scopes, with a space between them. Default: all that the application can have.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the claims that an application would get for a user. Nothing is signed or issued.

    Example: signet claims preview kubernetes ada@example.com --scope "openid groups"
    """
    from dataclasses import asdict

    from provider.accounts.users import get_user
    from provider.oauth.clients.clients import NoSuchClient, find_client
    from provider.oauth.scopes import parse_scope
    from provider.oauth.tokens.server import open_server
    from provider.operators import claims_preview
    from provider.work import unit_of_work

    with opened() as installation, unit_of_work(installation) as work:
        client = find_client(work, client_id)
        if client is None:
            raise NoSuchClient
        user_id, server = get_user(work, user).id, open_server(installation)
        shown = claims_preview.preview(work, server, client, user_id=user_id, scope=parse_scope(scope))
    if as_json:
        print_json(asdict(shown))
        return
    rows = [
        {"place": place, "claim": claim, "value": json.dumps(value, ensure_ascii=False)}
        for place, claims in asdict(shown).items()
        if isinstance(claims, dict)
        for claim, value in claims.items()
    ]
    print_rows(rows, ("place", "claim", "value"), as_json=False)


def _described(one: "ClaimMapping") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)
