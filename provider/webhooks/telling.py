"""Promise an audit event to whoever wants to hear of it, in the transaction that the event belongs to."""

from collections.abc import Mapping
from typing import Any

from provider.outbox import messages
from provider.webhooks import store
from provider.webhooks.store import Webhook
from provider.work import UnitOfWork

TOPIC = "webhook"


def tell(work: UnitOfWork, event: Mapping[str, Any]) -> None:
    """Everybody who listens now. `event` has `id`, `name`, `at` and what else the event says, as JSON has it."""
    for webhook in store.find_enabled(work.db):
        if webhook.wants(event["name"]):
            tell_one(work, webhook, event)


def tell_one(work: UnitOfWork, webhook: Webhook, event: Mapping[str, Any]) -> str:
    """Also to tell it again. The promise's id."""
    payload = {"webhook_id": webhook.id, "event": dict(event)}
    return messages.put(work, TOPIC, payload, about=f"{event['name']} to {webhook.id}")
