"""The commands `signet outbox`: manage what is queued (emails, logout notifications, webhook events, bulk changes)."""

from contextlib import suppress
from typing import Annotated

import typer

from provider.cli.arguments import identifier
from provider.cli.installation import unit
from provider.cli.output import Json, counted, print_rows, say, warn_if_cut
from provider.outbox.topics import Topic

AT_ONCE = 1_000
"""How many failed jobs are read at once."""
app = typer.Typer(help="Manage queued emails, notifications and bulk changes.", no_args_is_help=True)


@app.command(name="list")
def list_jobs(
    *,
    state: Annotated[
        str | None,
        typer.Option(
            help="Show only this state: waiting, sending, sent, failed or cancelled. JSON has due, trying and kept for "
            "the first three."
        ),
    ] = None,
    topic: Annotated[str | None, typer.Option(help=f"Show only this type: {', '.join(Topic)}.")] = None,
    about: Annotated[
        str | None,
        typer.Option(help="Show only this recipient: part of an email address, a client_id or a webhook ID."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of jobs to show.")] = 100,
    as_json: Json = False,
) -> None:
    """List queued and delivered jobs, newest first. Their contents are not shown.

    Example: signet outbox list --state failed --topic mail
    """
    from provider.outbox import store

    columns = ("id", "topic", "about", "state", "attempts", "created_at", "next_at", "error")
    wanted = None if state is None else _parse_state(state)
    with unit() as work:
        found = store.find(work.read, state=wanted, topic=topic, about=about, limit=limit + 1)
    warn_if_cut(len(found) > limit, limit)
    rows = [{column: getattr(row, column) for column in columns} for row in found[:limit]]
    if not as_json:
        rows = [row | {"state": store.DeliveryState(row["state"]).name.lower()} for row in rows]
    print_rows(rows, columns, as_json=as_json)


def _parse_state(text: str) -> str:
    """Return the stored state for its name or value. Raises BadParameter."""
    from provider.outbox.store import DeliveryState

    states = {name: state.value for state in DeliveryState for name in (state.name.lower(), state.value)}
    if text not in states:
        names = ", ".join(state.name.lower() for state in DeliveryState)
        raise typer.BadParameter(f"--state must be one of {names}, not {text!r}")
    return states[text]


@app.command()
def retry(
    job_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="ID of a failed job.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Retry every failed job.")] = False,
    as_json: Json = False,
) -> None:
    """Retry a failed job, or all of them. The number of attempts starts again at zero.

    Example: signet outbox retry --all
    """
    from provider.operators import outbox
    from provider.outbox import store

    if (job_id is None) != every:
        raise typer.BadParameter("give the ID of a job, or --all")
    again = []
    with unit() as work:
        if job_id is not None:
            outbox.retry(work, identifier(job_id))
            again.append(identifier(job_id))
        after: str | None = None
        while every and (failed := store.find(work.read, state=store.DeliveryState.FAILED, after=after, limit=AT_ONCE)):
            after = failed[-1].id
            for one in [row.id for row in failed if row.payload]:
                with suppress(outbox.NotFailed, outbox.NoSuchJob):  # another operator was faster
                    outbox.retry(work, one)
                    again.append(one)
    say(f"Queued {counted(len(again), 'job')} to be sent again.", {"due": again}, as_json=as_json)


@app.command()
def cancel(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="ID of a job that is waiting or has failed.")],
    *,
    as_json: Json = False,
) -> None:
    """Cancel a job permanently. Its contents are erased.

    Example: signet outbox list --state failed, then signet outbox cancel ID
    """
    from provider.operators import outbox

    with unit() as work:
        outbox.cancel(work, identifier(job_id))
    say(f"Canceled job {job_id}.", {"id": job_id, "state": "cancelled"}, as_json=as_json)
