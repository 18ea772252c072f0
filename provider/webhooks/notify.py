"""Queue audit events for the webhooks that subscribed to them, in the transaction that the events belong to."""

from collections.abc import Mapping, Sequence

from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.runtime.throw_away import is_throw_away
from provider.webhooks import store
from provider.webhooks.store import Webhook
from provider.work import UnitOfWork


def publish(work: UnitOfWork, events: Sequence[Mapping[str, object]]) -> None:
    """Queue the events of a transaction for every enabled webhook that subscribed to them, except those about
    throw-away users and clients.

    Reads the webhooks once, however many events there are. `Installation.publish` calls it before each commit.
    """
    webhooks = store.find_enabled(work.db)
    for event in events:
        if is_hidden(event.get("user_id"), event.get("client_id")):
            continue
        for webhook in webhooks:
            if webhook.wants(str(event["name"])):
                enqueue(work, webhook, event)


def is_hidden(user_id: object, client_id: object) -> bool:
    """Return whether an event about these is sent to no webhook: a throw-away user or client."""
    return is_throw_away(user_id) or is_throw_away(client_id)


def enqueue(work: UnitOfWork, webhook: Webhook, *events: Mapping[str, object]) -> None:
    """Queue these events for one webhook; a replay may queue the same event again."""
    payloads = [
        ({"webhook_id": webhook.id, "event": dict(event)}, f"{event['name']} to {webhook.id}") for event in events
    ]
    messages.enqueue_all(work, Topic.WEBHOOK, payloads)
