"""Sends webhook events: the handler of the outbox's topic `webhook`.

Each attempt is signed again, under the same id (Standard Webhooks 1.0).
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.vault import Vault
from provider.outbound.answers import Answer, OutboundFailed
from provider.outbox.relay import NoLongerWanted, PermanentFailure, RetryPolicy, TemporaryFailure
from provider.webhooks import store
from provider.webhooks.store import Webhook
from provider.work import Installation, UnitOfWork, unit_of_work

PURPOSE = "webhook-secret"
PREFIX = "whsec_"
RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))
"""Twelve attempts for one event, over some three hours."""
GONE = 410
"""The HTTP status by which a receiver ends its subscription."""


def deliver(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Send one event to its webhook. Raises NoLongerWanted, PermanentFailure or TemporaryFailure."""
    with unit_of_work(installation) as work:
        webhook = store.find(work.read, payload["webhook_id"])
        if webhook is None or webhook.disabled_at is not None:
            raise NoLongerWanted("the webhook is gone or disabled")
        body = body_of(payload["event"])
        headers = headers_of(work.vault, webhook, payload["event"]["id"], body, now=work.now)
        try:
            answer = work.outbound.deliver_json(webhook.url, body, headers)
        except OutboundFailed as failed:
            raise TemporaryFailure(failed.reason, until=failed.until) from None
        if answer.status == GONE:
            _disable(work, webhook.id)
    _judge(answer)


def _disable(work: UnitOfWork, webhook_id: str) -> None:
    if store.set_disabled(work.db, webhook_id, work.now):
        before, after = {"disabled": False}, {"disabled": True}
        record(work, Event.WEBHOOK_DISABLED, webhook=webhook_id, reason="gone", before=before, after=after)


def body_of(event: dict[str, Any]) -> bytes:
    """Return the payload: `type`, `timestamp` and `data` (Standard Webhooks 1.0)."""
    data = {name: value for name, value in event.items() if name not in {"name", "at"}}
    return json.dumps({"type": event["name"], "timestamp": event["at"], "data": data}).encode()


def headers_of(vault: Vault, webhook: Webhook, event_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """Return the signed headers. For a day after a rotation, the previous secret signs too."""
    message_id, timestamp = f"msg_{event_id}", str(int(now.timestamp()))
    sealed = [webhook.sealed]
    if webhook.sealed_before is not None and webhook.before_until is not None and webhook.before_until > now:
        sealed.append(webhook.sealed_before)
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [_sign(open_secret(vault, webhook.id, each), signed) for each in sealed]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def open_secret(vault: Vault, webhook_id: str, sealed: str) -> str:
    return vault.decrypt(sealed, purpose=PURPOSE, context=webhook_id).decode()


def _sign(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _judge(answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    if answer.status == GONE:
        raise PermanentFailure("it answered 410: the webhook is now disabled")
    raise TemporaryFailure(f"it answered {answer.status}")
