"""The commands `signet signals`: the streams of shared signals that apps receive."""

import sys
from typing import Annotated, Any

import typer

from provider.cli.client.commands import Which
from provider.cli.installation import unit
from provider.cli.output import Json, Yes, print_one, print_rows, say

app = typer.Typer(help="Manage the streams of shared signals of apps.", no_args_is_help=True)

MethodOption = Annotated[
    str | None, typer.Option(help="How the application gets signals: push or poll. Default for a new stream: push.")
]
EndpointUrl = Annotated[str | None, typer.Option(help="URL of the application that signals are pushed to, with https.")]
EventOption = Annotated[
    list[str] | None, typer.Option(help="Event type, such as session-revoked. Can be repeated. Replaces all.")
]
Subjects = Annotated[
    str | None, typer.Option(help="Users it is about by default: ALL that the application knows, or NONE.")
]
Description = Annotated[str | None, typer.Option(help="A description.")]
HeaderStdin = Annotated[
    bool, typer.Option("--header-stdin", help="Read the Authorization header of pushes from stdin. Empty: none.")
]
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


@app.command(name="set")
def put(
    client_id: Which,
    *,
    endpoint_url: EndpointUrl = None,
    header_stdin: HeaderStdin = False,
    event: EventOption = None,
    method: MethodOption = None,
    default_subjects: Subjects = None,
    description: Description = None,
    as_json: Json = False,
) -> None:
    """Create or change the stream of an application. What you leave out stays. Guide: docs/guides/shared-signals.md.

    Example: signet signals set CLIENT_ID --endpoint-url https://app.example.com/events --event session-revoked
    """
    from provider.operators import signals as rules
    from provider.operators.signals import StreamSettings
    from provider.signals import streams
    from provider.signals.store import streams as store

    given: dict[str, Any] = {
        "method": method,
        "endpoint_url": endpoint_url,
        "events": event,
        "default_subjects": default_subjects,
        "description": description,
    }
    header = sys.stdin.read().strip() if header_stdin else None
    with unit() as work:
        before = store.find_of_client(work.read, client_id)
        start = StreamSettings() if before is None else StreamSettings.of(before)
        changes = {name: value for name, value in given.items() if value is not None}
        settings = rules.parse_settings(start.as_json() | changes)
        shown = streams.describe(work, rules.put(work, client_id, settings, header=header))
    say(f"Set the stream of {client_id}.", shown, as_json=as_json)


@app.command()
def verify(client_id: Which, *, as_json: Json = False) -> None:
    """Send a verification event to an application.

    Example: signet signals verify CLIENT_ID
    """
    from provider.signals import streams

    with unit() as work:
        streams.verify(work, streams.find_of_client(work, client_id), by_receiver=False)
    say(f"Queued a verification event for {client_id}.", {"client_id": client_id}, as_json=as_json)


@app.command()
def deliveries(client_id: Which, *, as_json: Json = False) -> None:
    """List the last deliveries to an application, the newest first.

    Example: signet signals deliveries CLIENT_ID
    """
    from provider.operators import signals as rules
    from provider.signals import streams

    with unit() as work:
        rows = rules.describe_deliveries(work, streams.find_of_client(work, client_id))
    print_rows(rows, ("at", "event", "outcome", "error"), as_json=as_json)


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
