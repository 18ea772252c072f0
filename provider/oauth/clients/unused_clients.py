"""Clients that registered themselves expire when they are not used."""

from datetime import datetime, timedelta

from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.clients.clients import Client
from provider.oauth.clients.store import clients as store
from provider.runtime.throw_away import is_throw_away
from provider.work import UnitOfWork

MARKED_AGAIN_AFTER = timedelta(days=1)
"""How long a use extends the expiry without another write."""


def mark_used(work: UnitOfWork, client: Client) -> None:
    """Extend the expiry of a client that is deleted when unused. Written at most once a day."""
    if client.expires_at is None or is_throw_away(client.client_id):
        return
    expires_at = work.now + work.settings.unused_client_lifetime
    if expires_at - client.expires_at >= MARKED_AGAIN_AFTER:
        store.set_expiry(work.autocommit, client.client_id, expires_at)


def purge_unused(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` unused clients that registered themselves; return how many."""
    gone = store.remove_expired(work.db, before=before, limit=limit)
    for client_id in gone:
        record(work, Event.CLIENT_DELETED, client_id=client_id, reason="unused")
    return len(gone)
