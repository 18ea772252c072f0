"""Webhooks as operators manage them: create, rotate, disable, enable, delete, and replay events."""

import base64
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from provider.audit import log
from provider.audit import store as audit
from provider.audit.events import Event, names_of
from provider.database.base import new_id
from provider.languages.text import Text
from provider.outbound.addresses import may_be_asked, networks
from provider.refusals import Refusal
from provider.webhooks import store
from provider.webhooks.delivery import PREFIX, PURPOSE
from provider.webhooks.store import Webhook
from provider.webhooks.telling import tell_one
from provider.work import UnitOfWork

OVERLAP = timedelta(days=1)
"""How long the previous secret still signs after a rotation."""
MOST_REPLAYED = 10_000


class NoSuchWebhook(Refusal):
    status_code = 404
    message = Text("There is no such webhook.")


class UnfitWebhook(Refusal):
    """An invalid webhook. The message, which is for operators, gives the reason."""


class Disabled(Refusal):
    status_code = 409
    message = Text("The webhook is disabled.")


def create(work: UnitOfWork, *, url: str, events: Iterable[str] = ()) -> tuple[Webhook, str]:
    """Create a webhook; return it and its secret, which is shown only once. Raises UnfitWebhook for a URL that is not
    allowed or an unknown event.
    """
    wanted = sorted(set(events))
    unknown = [each for each in wanted if not names_of(each)]
    if unknown:
        raise UnfitWebhook(f"There is no event {unknown[0]}; docs/events.md lists them.")
    if not re.fullmatch("[!-~]{1,2000}", url) or not may_be_asked(url, allowed=networks(work.settings.outbound_allow)):
        raise UnfitWebhook(
            f"{url[:200]!r} may not be asked: https at a public address, or one that SIGNET_OUTBOUND_ALLOW names."
        )
    if "@" in urlsplit(url).netloc:  # every operator reads it, and every other webhook is told of it
        raise UnfitWebhook("The URL holds a user or a password. Signatures prove who sends.")
    webhook_id, secret = new_id(), _new_secret()
    webhook = Webhook(webhook_id, url, wanted, _seal(work, webhook_id, secret), None, None, work.now, None)
    store.add(work.db, webhook)
    log.record(work, Event.WEBHOOK_CREATED, webhook=webhook_id, url=url)
    return webhook, secret


def rotate_secret(work: UnitOfWork, webhook_id: str) -> str:
    """Create a new secret and return it; it is shown only once. The previous secret also signs for one more day."""
    store.lock(work.db, webhook_id)  # of two at once, the second keeps what the first made for its day
    webhook, secret = find(work, webhook_id), _new_secret()
    store.rotate(work.db, webhook, sealed=_seal(work, webhook_id, secret), until=work.now + OVERLAP)
    log.record(work, Event.WEBHOOK_SECRET_ROTATED, webhook=webhook_id)
    return secret


def disable(work: UnitOfWork, webhook_id: str) -> None:
    """Disable a webhook. It is sent no more events, and pending deliveries fail."""
    if find(work, webhook_id).disabled_at is None:
        before, after = {"disabled": False}, {"disabled": True}
        log.record(work, Event.WEBHOOK_DISABLED, webhook=webhook_id, before=before, after=after)
        store.set_disabled(work.db, webhook_id, work.now)


def enable(work: UnitOfWork, webhook_id: str) -> None:
    """Enable a webhook. It is sent events from now on; `replay` sends those missed while it was disabled."""
    if find(work, webhook_id).disabled_at is not None:
        store.set_disabled(work.db, webhook_id, None)
        before, after = {"disabled": True}, {"disabled": False}
        log.record(work, Event.WEBHOOK_ENABLED, webhook=webhook_id, before=before, after=after)


def delete(work: UnitOfWork, webhook_id: str) -> None:
    find(work, webhook_id)
    store.remove(work.db, webhook_id)
    log.record(work, Event.WEBHOOK_DELETED, webhook=webhook_id)


def replay(work: UnitOfWork, webhook_id: str, *, since: datetime) -> int:
    """Send a webhook the events since the given time again, the oldest first; return how many. Only events it
    subscribes to are sent. Raises NoSuchWebhook, Disabled.
    """
    webhook = find(work, webhook_id)
    if webhook.disabled_at is not None:
        raise Disabled
    events = [
        event
        for event in reversed(audit.find(work.read, since=since, limit=MOST_REPLAYED))
        if webhook.wants(event.name)
    ]
    for event in events:
        tell_one(work, webhook, log.told(event))
    return len(events)


def find(work: UnitOfWork, webhook_id: str) -> Webhook:
    """Return the webhook with this id. Raises NoSuchWebhook."""
    webhook = store.find(work.read, webhook_id)
    if webhook is None:
        raise NoSuchWebhook
    return webhook


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _seal(work: UnitOfWork, webhook_id: str, secret: str) -> str:
    return work.vault.encrypt(secret.encode(), purpose=PURPOSE, context=webhook_id)
