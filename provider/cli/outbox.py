"""The commands `signet outbox`: manage queued emails, logout notifications and webhook events."""

from typing import Annotated

import typer

from provider.cli.arguments import identifier
from provider.cli.installation import unit
from provider.cli.output import Json, print_rows, say

app = typer.Typer(help="Letters and other promises, and their delivery.", no_args_is_help=True)


@app.command(name="list")
def list_promises(
    *,
    state: Annotated[str | None, typer.Option(help="due, trying, kept, failed or cancelled.")] = None,
    topic: Annotated[str | None, typer.Option(help="mail, logout or webhook.")] = None,
    about: Annotated[
        str | None, typer.Option(help="Part of whom or what it is about: an address, a client_id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """List the jobs of the outbox, the newest first. Their contents are not shown.

    Example: signet outbox list --state failed --topic mail
    """
    from provider.outbox import store

    columns = ("id", "topic", "about", "state", "attempts", "created_at", "next_at", "error")
    with unit() as work:
        found = store.find(work.read, state=state, topic=topic, about=about, limit=limit)
    print_rows([{column: getattr(row, column) for column in columns} for row in found], columns, as_json=as_json)


@app.command()
def retry(
    message_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="A failed promise.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every failed promise.")] = False,
    as_json: Json = False,
) -> None:
    """Retry failed jobs. Their attempts are counted from zero again.

    Example: signet outbox retry --all
    """
    from provider.admin import outbox
    from provider.outbox import store

    if (message_id is None) != every:
        raise typer.BadParameter("name a promise, or give --all")
    again = []
    with unit() as work:
        failed = store.find(work.read, state=store.DeliveryState.FAILED, limit=10_000) if message_id is None else []
        for found in [row.id for row in failed if row.payload] if message_id is None else [identifier(message_id)]:
            outbox.retry(work, found)
            again.append(found)
    say(f"Due again: {len(again)}.", {"due": again}, as_json=as_json)


@app.command()
def cancel(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="A promise that is due, or has failed.")],
    *,
    as_json: Json = False,
) -> None:
    """Cancel a job for good. Its contents are erased.

    Example: signet outbox list --state failed, then signet outbox cancel ID
    """
    from provider.admin import outbox

    with unit() as work:
        outbox.cancel(work, identifier(message_id))
    say("Cancelled.", {"id": message_id, "state": "cancelled"}, as_json=as_json)
