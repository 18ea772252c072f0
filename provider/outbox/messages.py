"""Queueing messages in the transaction of the change they belong to."""

import json
from datetime import datetime
from typing import Any

from provider import greenlets
from provider.database.base import new_id
from provider.outbox import store
from provider.outbox.store import DeliveryState, Message
from provider.work import UnitOfWork

PURPOSE = "outbox"


def enqueue(
    work: UnitOfWork, topic: str, payload: dict[str, Any], *, about: str, expires_at: datetime | None = None
) -> str:
    """Queue `payload` for the handler of `topic`. Returns the message's id."""
    message_id = new_id()
    sealed = work.vault.encrypt(json.dumps(payload).encode(), purpose=PURPOSE, context=message_id)
    message = Message(
        id=message_id,
        topic=topic,
        about=about[:320],
        payload=sealed,
        state=DeliveryState.WAITING,
        attempts=0,
        created_at=work.now,
        next_at=work.now,
        expires_at=expires_at,
        error=None,
    )
    store.add(work.db, message)
    work.after_commit.append(lambda: greenlets.in_thread(work.installation.wake, message_id))
    return message_id
