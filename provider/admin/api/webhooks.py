"""The webhooks that receive audit events (docs/guides/webhooks.md)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body, Moment
from provider.api.callers import Operator
from provider.database.base import parse_id
from provider.web.call import Call
from provider.webhooks import store, subscriptions
from provider.webhooks.store import Webhook as Row
from provider.webhooks.subscriptions import Disabled, InvalidWebhook, NoSuchWebhook

Url = Annotated[str, Field(min_length=1, max_length=2000, pattern="^[!-~]+$")]


class Webhook(Body):
    id: str
    url: str
    events: list[str] = Field(description="Names, or kinds like `account.*`; none means all.")
    disabled: bool
    created_at: datetime


class Webhooks(Body):
    webhooks: list[Webhook]


class NewWebhook(Body):
    url: Url
    events: tuple[str, ...] = ()


class MadeWebhook(Webhook):
    secret: str = Field(description="Signs what it is told; shown only now.")


class WebhookSecret(Body):
    id: str
    secret: str = Field(description="Shown only now; for a day events are signed with the one before too.")


class Replay(Body):
    since: Moment = Field(description="What happened from then on is told once more, at most 10,000 events.")


class Replayed(Body):
    events: int


def _webhook(call: Call) -> Row:
    """Return the webhook named by the path. Raises NoSuchWebhook."""
    webhook_id = parse_id(call.path_params["webhook_id"])
    if webhook_id is None:
        raise NoSuchWebhook
    return subscriptions.find(call.work, webhook_id)


WEBHOOK = Resource(
    lambda call: store.lock(call.work.db, _webhook(call).id), lambda call: Webhook(**_values(_webhook(call)))
)


@by_operator(reads=True, gives=Webhooks)
def list_webhooks(call: Call, _operator: Operator, _body: Body) -> Webhooks:
    """List the webhooks, the oldest first. The outbox shows the delivery of each event."""
    return Webhooks(webhooks=[Webhook(**_values(row)) for row in store.find_all(call.work.read)])


@by_operator(takes=NewWebhook, gives=MadeWebhook, status=201, problems=(InvalidWebhook,))
def create_webhook(call: Call, _operator: Operator, body: NewWebhook) -> MadeWebhook:
    """Create a webhook, which is sent events from now on."""
    row, secret = subscriptions.create(call.work, url=body.url, events=body.events)
    return MadeWebhook(**_values(row), secret=secret)


@by_operator(reads=True, of=WEBHOOK, gives=Webhook, problems=(NoSuchWebhook,))
def show_webhook(call: Call, _operator: Operator, _body: Body) -> Webhook:
    """Get a webhook."""
    return Webhook(**_values(_webhook(call)))


@by_operator(of=WEBHOOK, problems=(NoSuchWebhook,))
def delete_webhook(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a webhook. It is sent no more events."""
    subscriptions.delete(call.work, _webhook(call).id)


@by_operator(of=WEBHOOK, gives=WebhookSecret, problems=(NoSuchWebhook,))
def rotate_webhook_secret(call: Call, _operator: Operator, _body: Body) -> WebhookSecret:
    """Rotate a webhook's secret."""
    webhook_id = _webhook(call).id
    return WebhookSecret(id=webhook_id, secret=subscriptions.rotate_secret(call.work, webhook_id))


@by_operator(of=WEBHOOK, problems=(NoSuchWebhook,))
def disable_webhook(call: Call, _operator: Operator, _body: Body) -> None:
    """Disable a webhook, so that it is sent no events."""
    subscriptions.disable(call.work, _webhook(call).id)


@by_operator(of=WEBHOOK, problems=(NoSuchWebhook,))
def enable_webhook(call: Call, _operator: Operator, _body: Body) -> None:
    """Enable a disabled webhook, which is sent events again from now on."""
    subscriptions.enable(call.work, _webhook(call).id)


@by_operator(takes=Replay, gives=Replayed, problems=(NoSuchWebhook, Disabled))
def replay_webhook(call: Call, _operator: Operator, body: Replay) -> Replayed:
    """Replay events to a webhook: all since a given time. Events keep their ids, so that a receiver can skip those it
    has.
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
