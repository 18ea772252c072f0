"""The commands `signet signals`: the streams of shared signals that apps receive."""

import sys
from typing import Annotated

import typer

from provider.cli.client.commands import Which
from provider.cli.installation import unit
from provider.cli.output import Json, Yes, print_one, print_rows, say

app = typer.Typer(help="Watch the streams of shared signals that applications receive.", no_args_is_help=True)

Reason = Annotated[str | None, typer.Option(help="A reason. The receiver gets it.")]


@app.command(name="list")
def list_streams(*, as_json: Json = False) -> None:
    """List the streams of shared signals.

    Example: signet signals list
    """
    from provider.signals import streams
    from provider.signals.store import streams as store

    with unit() as work:
        rows = [streams.describe(work, one) for one in store.find_all(work.read)]
    print_rows(rows, ("client_id", "status", "method", "waiting", "dropped", "delivered_at", "error"), as_json=as_json)


@app.command()
def show(client_id: Which, *, as_json: Json = False) -> None:
    """Show the stream of an application and what waits. Its Authorization header is not shown.

    Example: signet signals show CLIENT_ID
    """
    from provider.signals import streams

    with unit() as work:
        found = streams.describe(work, streams.find_of_client(work, client_id))
    print_one(found, as_json=as_json)


@app.command()
def enable(client_id: Which, *, reason: Reason = None, as_json: Json = False) -> None:
    """Enable the stream of an application. What waits is delivered.

    Example: signet signals enable CLIENT_ID
    """
    _set_status(client_id, "enabled", reason, as_json=as_json)


@app.command()
def pause(client_id: Which, *, reason: Reason = None, as_json: Json = False) -> None:
    """Pause the stream of an application. Signals are kept until you enable it.

    Example: signet signals pause CLIENT_ID --reason "Maintenance of the shop"
    """
    _set_status(client_id, "paused", reason, as_json=as_json)


@app.command()
def disable(client_id: Which, *, reason: Reason = None, as_json: Json = False) -> None:
    """Disable the stream of an application. What waits is deleted, and nothing is kept.

    Example: signet signals disable CLIENT_ID
    """
    _set_status(client_id, "disabled", reason, as_json=as_json)


@app.command()
def delete(client_id: Which, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete the stream of an application, with all that waits. The application can create another one.

    Example: signet signals delete CLIENT_ID --yes
    """
    from provider.signals import streams

    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete the stream of {client_id}?", abort=True)
    with unit() as work:
        streams.delete(work, streams.find_of_client(work, client_id))
    say(f"Deleted the stream of {client_id}.", {"client_id": client_id, "deleted": True}, as_json=as_json)


def _set_status(client_id: str, status: str, reason: str | None, *, as_json: bool) -> None:
    from provider.signals import streams

    with unit() as work:
        stream = streams.find_of_client(work, client_id)
        streams.set_status(work, stream, status, reason=reason, by_receiver=False)
    say(f"The stream of {client_id} is {status}.", {"client_id": client_id, "status": status}, as_json=as_json)
