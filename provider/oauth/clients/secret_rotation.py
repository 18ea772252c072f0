"""Replacing a client's secret: the earlier ones stay valid for a day, or are revoked."""

from datetime import timedelta

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import new_opaque
from provider.oauth.clients.client_secrets import add_secret
from provider.oauth.clients.clients import NoSuchClient, find_client
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.store import client_secrets as secrets_store
from provider.oauth.clients.store import clients as store
from provider.work import UnitOfWork

ROTATION_OVERLAP = timedelta(days=1)
"""How long the previous secrets stay valid after a rotation."""


def rotate_secret(work: UnitOfWork, client_id: str) -> str:
    """Return a new secret, which is shown only once. The earlier ones stay valid for another day. Raises NoSuchClient,
    and InvalidMetadata for a client whose method uses no secret.
    """
    store.lock(work.db, client_id)  # of two at once, the second retires what the first made
    client = find_client(work, client_id)
    if client is None:
        raise NoSuchClient
    if not client.metadata.has_secret:
        raise InvalidMetadata(
            f"client_secret is not used: this client authenticates with {' or '.join(client.metadata.auth_methods)}."
        )
    secret = new_opaque()
    secrets_store.retire(work.db, client_id, expires_at=work.now + ROTATION_OVERLAP)
    add_secret(work, client_id, client.metadata, secret)
    count = len(client.secrets)
    before, after = {"valid_secrets": count}, {"valid_secrets": count + 1}
    record(work, Event.CLIENT_SECRET_ROTATED, client_id=client_id, before=before, after=after)
    return secret


def end_retired_secrets(work: UnitOfWork, client_id: str) -> None:
    """Revoke the secrets from before the last rotation, which others may have. Raises NoSuchClient."""
    if store.find(work.read, client_id) is None:
        raise NoSuchClient
    count = secrets_store.end_retired(work.db, client_id, now=work.now)
    if count:
        record(work, Event.CLIENT_SECRETS_ENDED, client_id=client_id, count=count)
