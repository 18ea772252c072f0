"""The command `signet client access`: who may sign in to an application."""

from typing import Annotated

import typer

from provider.cli.client.commands import Which
from provider.cli.installation import unit
from provider.cli.output import Json, say

Role = Annotated[list[str] | None, typer.Option(help="Role of the users who may sign in. Can be repeated.")]
Group = Annotated[list[str] | None, typer.Option(help="Group of the users who may sign in. Can be repeated.")]
Network = Annotated[
    list[str] | None, typer.Option(help="Network to sign in from, for example 10.0.0.0/8. Can be repeated.")
]


def access(
    client_id: Which, *, role: Role = None, group: Group = None, network: Network = None, as_json: Json = False
) -> None:
    """Set who may sign in to an application. Rules that you leave out are removed, so without options every user may.

    Example: signet client access CLIENT_ID --group engineering --network 10.0.0.0/8
    """
    from provider.oauth.clients.clients import NoSuchClient, find_client, update_client
    from provider.oauth.clients.metadata_rules import parse_metadata

    rules = {"allowed_roles": role or [], "allowed_groups": group or [], "allowed_networks": network or []}
    with unit() as work:
        client = find_client(work, client_id)
        if client is None:
            raise NoSuchClient(f"No client {client_id} was found. List clients with: signet client list")
        update_client(work, client_id, parse_metadata(client.metadata.as_json() | rules))
    given = "; ".join(f"{name} {', '.join(values)}" for name, values in rules.items() if values)
    say(
        f"Set who may sign in to {client_id}: {given or 'every user'}.",
        {"client_id": client_id, **rules},
        as_json=as_json,
    )
