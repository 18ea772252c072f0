"""The commands `signet provisioning`: users and groups pushed to the SCIM services of apps."""

import sys
from typing import Annotated, Any

import typer

from provider.cli.client.commands import Which
from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, counted, print_one, print_rows, say

app = typer.Typer(help="Push users and groups to applications with SCIM.", no_args_is_help=True)

BaseUrl = Annotated[
    str | None, typer.Option(help="Base URL of its SCIM service, for example https://app.example.com/scim/v2.")
]
MemberOf = Annotated[
    list[str] | None, typer.Option(help="Group whose members are sent. Can be repeated. Default: all who may sign in.")
]
PushGroup = Annotated[list[str] | None, typer.Option(help="Group to send with its members. Can be repeated.")]
OnDeletion = Annotated[
    str | None, typer.Option(help="What happens there to users who are deleted here: deactivate or delete.")
]
WithAttributes = Annotated[
    bool | None, typer.Option("--with-attributes/--without-attributes", help="Send declared attributes of users.")
]
TokenStdin = Annotated[bool, typer.Option("--token-stdin", help="Read the bearer token of the service from stdin.")]


@app.command(name="list")
def list_provisionings(*, as_json: Json = False) -> None:
    """List the applications that users are sent to.

    Example: signet provisioning list
    """
    from provider.operators import provisioning as rules
    from provider.provisioning.store import connections as store

    with unit() as work:
        rows = [rules.describe(work, one) for one in store.find_all(work.read)]
    print_rows(rows, ("client_id", "state", "users", "groups", "pending", "failed", "base_url"), as_json=as_json)


@app.command()
def show(client_id: Which, *, as_json: Json = False) -> None:
    """Show provisioning of an application and its state. The token is not shown.

    Example: signet provisioning show CLIENT_ID
    """
    from provider.operators import provisioning as rules
    from provider.provisioning import connections

    with unit() as work:
        found = rules.describe(work, connections.find(work, client_id))
    print_one(found, as_json=as_json)


@app.command(name="set")
def put(
    client_id: Which,
    *,
    base_url: BaseUrl = None,
    token_stdin: TokenStdin = False,
    member_of: MemberOf = None,
    push_group: PushGroup = None,
    on_deletion: OnDeletion = None,
    with_attributes: WithAttributes = None,
    as_json: Json = False,
) -> None:
    """Set up or change provisioning of an application. What you leave out stays. Guide: docs/guides/provisioning.md.

    Example: signet provisioning set CLIENT_ID --base-url https://app.example.com/scim/v2 --token-stdin < token.txt
    """
    from provider.operators import provisioning as rules
    from provider.provisioning.settings import ProvisioningSettings
    from provider.provisioning.store import connections as store

    given: dict[str, Any] = {
        "base_url": base_url,
        "members_of": member_of,
        "push_groups": push_group,
        "on_deletion": on_deletion,
        "with_attributes": with_attributes,
    }
    token = sys.stdin.read().strip() if token_stdin else None
    with unit() as work:
        before = store.find(work.read, client_id)
        start = ProvisioningSettings() if before is None else ProvisioningSettings.of(before)
        changes = {name: value for name, value in given.items() if value is not None}
        made = rules.put(work, client_id, start.as_json() | changes, token=token)
        shown = rules.describe(work, made)
    say(f"Set provisioning of {client_id}.", shown, as_json=as_json)


@app.command(name="test")
def check(client_id: Which, *, as_json: Json = False) -> None:
    """Test the connection to the SCIM service of an application. Nothing is changed.

    Example: signet provisioning test CLIENT_ID
    """
    from provider.provisioning import connections

    with unit() as work:
        found = connections.check(work, client_id)
    parts = [f"{name}: {'yes' if has else 'no'}" for name, has in (("PATCH", found.patch), ("filters", found.filter))]
    say(f"The connection works ({', '.join(parts)}).", vars(found), as_json=as_json)


@app.command()
def resources(
    client_id: Which,
    *,
    state: Annotated[
        str | None, typer.Option(help="Show only those that are pending, current or failed; or failing: with an error.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 100,
    as_json: Json = False,
) -> None:
    """List users and groups with their state at an application.

    Example: signet provisioning resources CLIENT_ID --state failing
    """
    from provider.provisioning import connections
    from provider.provisioning.store import resources as store

    with unit() as work:
        connections.find(work, client_id)
        found = store.find_page(work.read, client_id, state=state, after=None, limit=limit)
    hidden = {"digest", "revision", "tried", "claimed_until"}
    rows = [{name: value for name, value in vars(one).items() if name not in hidden} for one in found]
    print_rows(rows, ("kind", "key", "state", "active", "succeeded_at", "error"), as_json=as_json)


@app.command()
def resync(client_id: Which, *, as_json: Json = False) -> None:
    """Send all users and groups again, changed or not.

    Example: signet provisioning resync CLIENT_ID
    """
    from provider.provisioning import connections

    with unit() as work:
        connections.resync(work, client_id)
    say(f"Started a resync of {client_id}.", {"client_id": client_id}, as_json=as_json)


@app.command()
def retry(
    client_id: Which,
    *,
    user: Annotated[str | None, typer.Option(help="Only this user: an email address or ID.")] = None,
    group: Annotated[str | None, typer.Option(help="Only this group.")] = None,
    as_json: Json = False,
) -> None:
    """Retry now what failed. If provisioning is stopped or paused, it continues.

    Example: signet provisioning retry CLIENT_ID --user ada@example.com
    """
    from provider.accounts.users import get_user
    from provider.provisioning import connections

    with unit() as work:
        key = group if user is None else get_user(work, user).id
        kind = None if key is None else "group" if user is None else "user"
        count = connections.retry(work, client_id, kind=kind, key=key)
    said = f"Retrying {counted(count, 'user')} or groups." if count != 1 else "Retrying 1 user or group."
    say(said, {"client_id": client_id, "count": count}, as_json=as_json)


@app.command()
def disable(client_id: Which, *, as_json: Json = False) -> None:
    """Turn provisioning of an application off. Users stay there as they are.

    Example: signet provisioning disable CLIENT_ID
    """
    from provider.provisioning import connections

    with unit() as work:
        connections.disable(work, client_id)
    say(f"Turned off provisioning of {client_id}.", {"client_id": client_id, "disabled": True}, as_json=as_json)


@app.command()
def enable(client_id: Which, *, as_json: Json = False) -> None:
    """Turn provisioning of an application on. What changed meanwhile is sent.

    Example: signet provisioning enable CLIENT_ID
    """
    from provider.provisioning import connections

    with unit() as work:
        connections.enable(work, client_id)
    say(f"Turned on provisioning of {client_id}.", {"client_id": client_id, "disabled": False}, as_json=as_json)


@app.command()
def delete(client_id: Which, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete provisioning of an application with its token. Users stay there as they are.

    Example: signet provisioning delete CLIENT_ID --yes
    """
    from provider.provisioning import connections

    confirm(f"Delete provisioning of {client_id}?", yes=yes)
    with unit() as work:
        connections.delete(work, client_id)
    say(f"Deleted provisioning of {client_id}.", {"client_id": client_id, "deleted": True}, as_json=as_json)
