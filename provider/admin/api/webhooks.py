"""The webhooks that receive audit events (docs/guides/webhooks.md)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body, Moment
from provider.api.callers import Operator
from provider.api.validation import VISIBLE
from provider.database.base import parse_id
from provider.web.call import Call
from provider.webhooks import store, subscriptions
from provider.webhooks.store import Webhook as Row
from provider.webhooks.subscriptions import Disabled, InvalidWebhook, NoSuchWebhook

Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=VISIBLE)]


EVENTS = "Event names, or groups such as `account.*`. Empty for all events."


class Webhook(Body):
    """A webhook: an endpoint that receives audit events."""

    id: str = Field(description="The webhook's ID.")
    url: str = Field(description="The URL that events are sent to.")
    events: list[str] = Field(description=EVENTS)
    disabled: bool = Field(description="Whether the webhook is disabled.")
    created_at: datetime = Field(description="When the webhook was created.")


class Webhooks(Body):
    """The webhooks."""

    webhooks: list[Webhook] = Field(description="The webhooks, the oldest first.")


class NewWebhook(Body):
    """A webhook to create."""

    url: Url = Field(description="An https URL at a public address.")
    events: tuple[str, ...] = Field((), description=EVENTS)


class CreatedWebhook(Webhook):
    """A new webhook with its secret."""

    secret: str = Field(description="The secret that events are signed with, shown only in this response.")


class WebhookSecret(Body):
    """A new webhook secret."""

    id: str = Field(description="The webhook's ID.")
    secret: str = Field(
        description="The new secret, shown only in this response. Events are signed with the old one too for 24 hours."
    )


class Replay(Body):
    """The events to send again."""

    since: Moment = Field(description="Events from this time on are sent again, at most 10,000.")


class Replayed(Body):
    """The result of a replay."""

    events: int = Field(description="How many events are sent again.")


def _webhook(call: Call) -> Row:
    """Return the webhook named by the path. Raises NoSuchWebhook."""
    webhook_id = parse_id(call.path_params["webhook_id"])
    if webhook_id is None:
        raise NoSuchWebhook
    return subscriptions.find(call.work, webhook_id)


WEBHOOK = Resource(
    lambda call: store.lock(call.work.db, _webhook(call).id), lambda call: Webhook(**_values(_webhook(call)))
)


@by_operator(needs=Permission.WEBHOOKS_READ, gives=Webhooks)
def list_webhooks(call: Call, _operator: Operator, _body: Body) -> Webhooks:
    """List webhooks. The oldest comes first. The outbox shows the delivery of each event."""
    return Webhooks(webhooks=[Webhook(**_values(row)) for row in store.find_all(call.work.read)])


@by_operator(
    needs=Permission.WEBHOOKS_WRITE, takes=NewWebhook, gives=CreatedWebhook, status=201, problems=(InvalidWebhook,)
)
def create_webhook(call: Call, _operator: Operator, body: NewWebhook) -> CreatedWebhook:
    """Create a webhook. It receives events from now on."""
    row, secret = subscriptions.create(call.work, url=body.url, events=body.events)
    return CreatedWebhook(**_values(row), secret=secret)


@by_operator(needs=Permission.WEBHOOKS_READ, of=WEBHOOK, gives=Webhook, problems=(NoSuchWebhook,))
def show_webhook(call: Call, _operator: Operator, _body: Body) -> Webhook:
    """Get a webhook."""
    return Webhook(**_values(_webhook(call)))


@by_operator(needs=Permission.WEBHOOKS_WRITE, of=WEBHOOK, problems=(NoSuchWebhook,))
def delete_webhook(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a webhook. It receives no more events."""
    subscriptions.delete(call.work, _webhook(call).id)


@by_operator(
    needs=Permission.WEBHOOKS_WRITE, of=WEBHOOK, gives=WebhookSecret, shows_other=True, problems=(NoSuchWebhook,)
)
def rotate_webhook_secret(call: Call, _operator: Operator, _body: Body) -> WebhookSecret:
    """Rotate a webhook secret. For 24 hours, events are signed with both secrets."""
    webhook_id = _webhook(call).id
    return WebhookSecret(id=webhook_id, secret=subscriptions.rotate_secret(call.work, webhook_id))


@by_operator(needs=Permission.WEBHOOKS_WRITE, of=WEBHOOK, problems=(NoSuchWebhook,))
def disable_webhook(call: Call, _operator: Operator, _body: Body) -> None:
    """Disable a webhook. It receives no events until you enable it."""
    subscriptions.disable(call.work, _webhook(call).id)


@by_operator(needs=Permission.WEBHOOKS_WRITE, of=WEBHOOK, problems=(NoSuchWebhook,))
def enable_webhook(call: Call, _operator: Operator, _body: Body) -> None:
    """Enable a webhook. It receives events from now on."""
    subscriptions.enable(call.work, _webhook(call).id)


@by_operator(needs=Permission.WEBHOOKS_WRITE, takes=Replay, gives=Replayed, problems=(NoSuchWebhook, Disabled))
def replay_webhook(call: Call, _operator: Operator, body: Replay) -> Replayed:
    """Replay events to a webhook. All events since a given time are sent again with their IDs, so that a receiver can
    skip those it has.
    """
    return Replayed(events=subscriptions.replay(call.work, _webhook(call).id, since=body.since))


def _values(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "disabled": row.disabled_at is not None,
        "created_at": row.created_at,
    }
