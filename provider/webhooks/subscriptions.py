"""Rules for managing webhooks: create, rotate the secret, disable, enable, delete and replay."""

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from provider.audit import log
from provider.audit import store as audit
from provider.audit.events import Event, names_of
from provider.database.base import new_id
from provider.languages.text import Text
from provider.outbound.addresses import has_user, may_be_asked, networks
from provider.refusals import Refusal
from provider.webhooks import store
from provider.webhooks.delivery import PREFIX, PURPOSE
from provider.webhooks.notify import enqueue, is_hidden
from provider.webhooks.store import Webhook
from provider.work import UnitOfWork

OVERLAP = timedelta(days=1)
"""How long the previous secret still signs after a rotation."""
MOST_REPLAYED = 10_000
"""Audit events that one replay looks at."""


class NoSuchWebhook(Refusal):
    code = "no-such-webhook"
    status_code = 404
    message = Text("There is no such webhook.")


class InvalidWebhook(Refusal):
    """The URL or an event is not allowed; the message says why."""

    code = "unfit-webhook"


class Disabled(Refusal):
    code = "disabled"
    status_code = 409
    message = Text("This webhook is disabled. Enable it, then try again.")


def create(work: UnitOfWork, *, url: str, events: Iterable[str] = ()) -> tuple[Webhook, str]:
    """Create a webhook for the events of these names or kinds, or for all events if there are none.

    Returns it and its secret, which cannot be read again. Raises InvalidWebhook when the URL is not allowed or an event
    does not exist.
    """
    wanted = sorted(set(events))
    unknown = [each for each in wanted if not names_of(each)]
    if unknown:
        raise InvalidWebhook(f"There is no event {unknown[0]}. See docs/reference/events.md for the names.")
    if has_user(url):  # every operator reads it, and it is in an audit event that other webhooks receive
        raise InvalidWebhook("The URL can't contain a user or a password. Check the signatures of events instead.")
    if not may_be_asked(url, allowed=networks(work.settings.outbound_allow)):
        raise InvalidWebhook(
            f"url must be an https URL at a public address or one in SIGNET_OUTBOUND_ALLOW. You sent {url[:200]!r}."
        )
    webhook_id, secret = new_id(), _new_secret()
    webhook = Webhook(webhook_id, url, wanted, _seal(work, webhook_id, secret), None, None, work.now, None)
    store.add(work.db, webhook)
    log.record(work, Event.WEBHOOK_CREATED, webhook=webhook_id, url=url)
    return webhook, secret


def rotate_secret(work: UnitOfWork, webhook_id: str) -> str:
    """Give the webhook a new secret and return it; the previous one also signs for another day.

    Raises NoSuchWebhook.
    """
    store.lock(work.db, webhook_id)  # of two at once, the second keeps what the first made for its day
    webhook, secret = find(work, webhook_id), _new_secret()
    store.rotate(work.db, webhook, sealed=_seal(work, webhook_id, secret), until=work.now + OVERLAP)
    log.record(work, Event.WEBHOOK_SECRET_ROTATED, webhook=webhook_id)
    return secret


def disable(work: UnitOfWork, webhook_id: str) -> None:
    """Stop queueing and delivering events for the webhook. Raises NoSuchWebhook."""
    find(work, webhook_id)
    if store.set_disabled(work.db, webhook_id, work.now):
        before, after = {"disabled": False}, {"disabled": True}
        log.record(work, Event.WEBHOOK_DISABLED, webhook=webhook_id, before=before, after=after)


def enable(work: UnitOfWork, webhook_id: str) -> None:
    """Queue events for the webhook again, from now on; `replay` sends the events in between. Raises NoSuchWebhook."""
    find(work, webhook_id)
    if store.set_disabled(work.db, webhook_id, None):
        before, after = {"disabled": True}, {"disabled": False}
        log.record(work, Event.WEBHOOK_ENABLED, webhook=webhook_id, before=before, after=after)


def delete(work: UnitOfWork, webhook_id: str) -> None:
    """Delete the webhook. Raises NoSuchWebhook."""
    find(work, webhook_id)
    store.remove(work.db, webhook_id)
    log.record(work, Event.WEBHOOK_DELETED, webhook=webhook_id)


def replay(work: UnitOfWork, webhook_id: str, *, since: datetime) -> int:
    """Queue again the events since then that the webhook subscribed to, oldest first. Returns how many.

    At most MOST_REPLAYED of the latest events are looked at. Raises NoSuchWebhook or Disabled.
    """
    webhook = find(work, webhook_id)
    if webhook.disabled_at is not None:
        raise Disabled
    events = [
        event
        for event in reversed(audit.find(work.read, since=since, limit=MOST_REPLAYED))
        if webhook.wants(event.name) and not is_hidden(event.user_id, event.client_id)
    ]
    enqueue(work, webhook, *map(log.as_json, events))
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
