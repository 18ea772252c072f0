"""The commands `signet webhook`: send audit events to other systems."""

from typing import Annotated, Any

import typer

from provider.cli.arguments import identifier, moment
from provider.cli.installation import unit
from provider.cli.output import Json, counted, print_rows, say

app = typer.Typer(help="Manage webhooks.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="ID of the webhook, as `signet webhook list` shows it.")]


@app.command()
def create(
    url: Annotated[str, typer.Argument(help="Endpoint that receives the events, an https URL.")],
    *,
    event: Annotated[
        list[str] | None,
        typer.Option(help="Event to send, or with * all of a kind: account.*. Can be repeated. Default: all events."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a webhook. Prints its ID and its signing secret. The secret is shown only once.

    From now on, Signet posts events to the URL. Guide: docs/guides/webhooks.md.

    Example: signet webhook create https://hooks.example.com/signet --event 'account.*'
    """
    from provider.webhooks import subscriptions

    with unit() as work:
        webhook, secret = subscriptions.create(work, url=url, events=event or ())
    lines = f"id      {webhook.id}\nsecret  {secret}\nThe secret is not shown again."
    say(lines, _described(webhook) | {"secret": secret}, as_json=as_json)


@app.command(name="list")
def list_webhooks(*, as_json: Json = False) -> None:
    """List webhooks. To see deliveries, use signet outbox list --topic webhook --about ID.

    Example: signet webhook list
    """
    from provider.webhooks import store

    with unit() as work:
        rows = [_described(webhook) for webhook in store.find_all(work.read)]
    print_rows(rows, ("id", "url", "events", "disabled", "created_at"), as_json=as_json)


@app.command()
def rotate_secret(webhook_id: Id, *, as_json: Json = False) -> None:
    """Rotate the signing secret of a webhook. For one day, events are signed with both secrets.

    Example: signet webhook rotate-secret ID
    """
    from provider.webhooks import subscriptions

    with unit() as work:
        secret = subscriptions.rotate_secret(work, identifier(webhook_id))
    say(
        f"secret  {secret}\nThe secret is not shown again. For one day, events are signed with both secrets.",
        {"id": webhook_id, "secret": secret},
        as_json=as_json,
    )


@app.command()
def disable(webhook_id: Id, *, as_json: Json = False) -> None:
    """Pause a webhook. Events are not sent until you enable it.

    Example: signet webhook disable ID
    """
    _do("disable", webhook_id, f"Paused webhook {webhook_id}.", as_json=as_json)


@app.command()
def enable(webhook_id: Id, *, as_json: Json = False) -> None:
    """Resume a paused webhook. Events from before stay unsent; see signet webhook replay.

    Example: signet webhook enable ID
    """
    _do("enable", webhook_id, f"Enabled webhook {webhook_id}.", as_json=as_json)


@app.command()
def delete(webhook_id: Id, *, as_json: Json = False) -> None:
    """Delete a webhook.

    Example: signet webhook delete ID
    """
    _do("delete", webhook_id, f"Deleted webhook {webhook_id}.", as_json=as_json)


@app.command()
def replay(
    webhook_id: Id,
    *,
    since: Annotated[
        str, typer.Option(help="Send events from this time (2026-11-21T06:00Z) or age (90m, 24h, 7d) on.")
    ],
    as_json: Json = False,
) -> None:
    """Send past events again. Events keep their IDs, so receivers can skip those they already have.

    Example: signet webhook replay ID --since 24h
    """
    from provider.webhooks import subscriptions

    with unit() as work:
        count = subscriptions.replay(work, identifier(webhook_id), since=moment(since, now=work.now))
    say(
        f"Queued {counted(count, 'event')} to be sent again.",
        {"id": webhook_id, "events": count},
        as_json=as_json,
    )


def _do(what: str, webhook_id: str, said: str, *, as_json: bool) -> None:
    from provider.webhooks import subscriptions

    with unit() as work:
        getattr(subscriptions, what)(work, identifier(webhook_id))
    say(said, {"id": webhook_id}, as_json=as_json)


def _described(webhook: Any) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "disabled": webhook.disabled_at is not None,
        "created_at": webhook.created_at,
    }
