"""Clients: register, change, disable and delete."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urldefrag, urlsplit

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_handle, new_opaque, same
from provider.crypto.vault import Vault
from provider.languages.text import Text
from provider.oauth.clients import client_index
from provider.oauth.clients.choices import SECRET_JWT
from provider.oauth.clients.client_secrets import PURPOSE, add_secret, is_short, require_long_enough, short_digests
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata, load_metadata
from provider.oauth.clients.metadata_rules import check_metadata
from provider.oauth.clients.reachable import require_reachable
from provider.oauth.clients.redirect_uris import host_of
from provider.oauth.clients.resources import normalize
from provider.oauth.clients.rules.certificates import check_configured
from provider.oauth.clients.rules.email_pages import check_email_pages
from provider.oauth.clients.store import client_secrets as secrets_store
from provider.oauth.clients.store import clients as store
from provider.oauth.clients.store.client_secrets import SecretRow
from provider.oauth.syntax import VSCHARS
from provider.refusals import Refusal
from provider.work import UnitOfWork


class NoSuchClient(Refusal):
    code = "no-such-client"
    status_code = 404
    message = Text("There is no such client.")


@dataclass(frozen=True)
class Client:
    """A registered client as the protocol code uses it."""

    client_id: str
    metadata: ClientMetadata
    secrets: tuple[SecretRow, ...]
    created_at: datetime
    disabled: bool
    registration_digest: bytes | None = None
    """The digest of the token with which the client manages its own registration (`registration`)."""
    expires_at: datetime | None = None
    """When the client is deleted if it is not used before. None: never."""
    document_expires_at: datetime | None = None
    """How long the copy of its metadata document is fresh. None if the client is registered (`metadata_documents`)."""
    updated_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.metadata.client_name or self.client_id

    @property
    def registered_itself(self) -> bool:
        return self.registration_digest is not None

    @property
    def has_document(self) -> bool:
        """Whether the client_id is the URL of the client's metadata document, and the metadata comes from there."""
        return self.document_expires_at is not None

    @property
    def is_vouched_for(self) -> bool:
        """Whether an operator has reviewed the client's metadata."""
        return not (self.registered_itself or self.has_document) or self.metadata.first_party

    def host_at(self, redirect_uri: str) -> str:
        """Return the host that a user can check: that of the metadata document (Client ID Metadata Document section
        6.4) or of the redirect URI, or the one an operator approved.
        """
        if self.is_vouched_for:
            return self.metadata.host
        if self.has_document:
            return host_of(self.client_id)
        return host_of(redirect_uri) or urlsplit(redirect_uri).scheme

    @property
    def host(self) -> str:
        """The host of the app if no request names a redirect URI. Empty for an unreviewed client that gets tokens
        without a redirect: its host is unproven.
        """
        unproven = not self.is_vouched_for and not self.has_document and self.metadata.asks_elsewhere
        return "" if unproven else self.host_at(next(iter(self.metadata.redirect_uris), ""))

    def has_secret(self, secret: str) -> bool:
        """Return whether this is one of the client's secrets of usual length. Compares digests in constant time."""
        presented = digest(secret)
        return any(same(stored.digest, presented) for stored in self.secrets if not stored.is_short)

    def has_short_secret(self, secret: str, vault: Vault) -> bool:
        """Return whether this is one of the client's short secrets (`client_secrets`)."""
        short = [stored.digest for stored in self.secrets if stored.is_short]
        presented = short_digests(vault, self.client_id, secret) if short else []
        return any(same(stored, candidate) for stored in short for candidate in presented)

    @property
    def keeps_short_secret(self) -> bool:
        """Whether one of the client's secrets is shorter than it should be."""
        return any(stored.is_short for stored in self.secrets)

    @property
    def sealed_secrets(self) -> tuple[str, ...]:
        """The encrypted secrets, for client_secret_jwt: see `open_secrets`."""
        return tuple(stored.sealed for stored in self.secrets if stored.sealed is not None)

    def open_secrets(self, vault: Vault) -> list[str]:
        """Return the decrypted secrets, which key an HMAC; none unless registered for client_secret_jwt."""
        return [
            vault.decrypt(sealed, purpose=PURPOSE, context=self.client_id).decode() for sealed in self.sealed_secrets
        ]


def find_client(work: UnitOfWork, client_id: str) -> Client | None:
    if not _is_plausible(client_id):
        return None
    row = store.find(work.read, client_id)
    if row is None:
        return None
    secrets = secrets_store.find_valid(work.read, client_id, now=work.now)
    return client_of(row, secrets)


def client_of(row: store.ClientRow, secrets: Sequence[SecretRow] = ()) -> Client:
    return Client(
        row.client_id,
        load_metadata(row.metadata),
        tuple(secrets),
        row.created_at,
        row.disabled_at is not None,
        row.registration_digest,
        row.expires_at,
        row.document_expires_at,
        row.updated_at,
    )


def _is_plausible(client_id: str) -> bool:
    return 0 < len(client_id) <= 128 and client_id.isascii() and client_id.isprintable()


def create_client(
    work: UnitOfWork,
    metadata: ClientMetadata,
    *,
    client_id: str | None = None,
    secret: str | None = None,
    allow_short_secret: bool = False,
) -> tuple[Client, str | None]:
    """Register a client. Returns it with its secret, which is shown only once (None for a client that needs none).

    `client_id` and `secret` can be imported from another provider; with `allow_short_secret` also a short secret.
    Raises InvalidMetadata.
    """
    metadata = check_metadata(metadata)
    client_id = client_id or new_handle()
    if not _is_plausible(client_id) or _is_uuid(client_id):
        # A client acting for itself is its own `sub`: it must never look like a user's (RFC 9700 section 4.15).
        raise InvalidMetadata("client_id must have 1 to 128 printable ASCII characters, and must not be a UUID.")
    store.queue_for(work.db, [client_id, *map(normalize, metadata.resource_identifiers)])
    _require_possible(work, metadata, None)
    if store.find(work.read, client_id) is not None:
        raise InvalidMetadata("client_id is already registered.")
    if not metadata.has_secret:
        secret = None
    else:
        secret = secret or new_opaque()
        require_long_enough(secret, metadata, allow_short=allow_short_secret)
        if VSCHARS.fullmatch(secret) is None:  # no request could bring it
            raise InvalidMetadata("client_secret must contain only visible ASCII characters and spaces.")
    store.add(work.db, store.ClientRow(client_id, metadata.as_json(), work.now, work.now, None))
    client_index.replace(work, client_id, metadata, before=None)
    if secret is not None:
        add_secret(work, client_id, metadata, secret)
    brought_short = secret is not None and is_short(secret)
    record(work, Event.CLIENT_CREATED, client_id=client_id, name=metadata.client_name, short_secret=brought_short)
    client = find_client(work, client_id)
    assert client is not None  # noqa: S101  # added a moment ago, in this transaction
    return client, secret


def update_client(work: UnitOfWork, client_id: str, metadata: ClientMetadata, *, from_document: bool = False) -> None:
    """Replace a client's metadata. That of a client with a metadata document changes only there (`from_document`).

    Raises InvalidMetadata, NoSuchClient.
    """
    metadata = check_metadata(metadata)
    store.lock(work.db, client_id)  # so that the event tells what was there
    store.queue_for(work.db, [*map(normalize, metadata.resource_identifiers)])
    before = find_client(work, client_id)
    _require_possible(work, metadata, before)
    if before is not None and before.has_document and not from_document:
        raise InvalidMetadata(f"The metadata of this client is at {client_id}, and can be changed only there.")
    if before is None or not store.replace_metadata(work.db, client_id, metadata.as_json(), now=work.now):
        raise NoSuchClient
    client_index.replace(work, client_id, metadata, before=before.metadata)
    if metadata.token_endpoint_auth_method != SECRET_JWT:
        secrets_store.forget_sealed(work.db, client_id)
    if before.metadata.is_public and not metadata.is_public:  # anyone could have asked for these (decision 11)
        store.remove_consents(work.db, client_id)
    changed = before.metadata.differences(metadata)
    record(work, Event.CLIENT_UPDATED, client_id=client_id, **changed.as_details())


def require_valid(work: UnitOfWork, metadata: ClientMetadata, *, before: Client | None = None) -> None:
    """Check that a client may be registered with this metadata, or changed to it. Raises InvalidMetadata."""
    _require_possible(work, check_metadata(metadata), before)


def _require_possible(work: UnitOfWork, metadata: ClientMetadata, before: Client | None) -> None:
    """Check metadata against this installation and against what is registered already. Raises InvalidMetadata."""
    check_email_pages(metadata, may_be_local=work.settings.may_use_local_pages)
    check_configured(metadata, work.settings.certificate_methods)
    fetched = (urldefrag(uri).url for uri in metadata.request_uris)  # the fragment is its hash (OIDC Core section 6.2)
    require_reachable(work, *fetched, metadata.jwks_uri, *metadata.notified_urls)
    client_index.require_free(work, metadata, client_id=None if before is None else before.client_id)
    if before is not None and before.metadata.sector != metadata.sector:
        # Every `sub` would be another one: the app would know nobody any more (OIDC Core section 8.1).
        raise InvalidMetadata("subject_type cannot be changed, nor the host that a pairwise client shares.")


def disable(work: UnitOfWork, client_id: str) -> None:
    """Disable the client: it gets no more tokens, and those it has stop working. Raises NoSuchClient."""
    if _switch(work, client_id, off=True):
        before, after = {"disabled": False}, {"disabled": True}
        record(work, Event.CLIENT_DISABLED, client_id=client_id, before=before, after=after)


def enable(work: UnitOfWork, client_id: str) -> None:
    """Undo `disable`. Raises NoSuchClient."""
    if _switch(work, client_id, off=False):
        before, after = {"disabled": True}, {"disabled": False}
        record(work, Event.CLIENT_ENABLED, client_id=client_id, before=before, after=after)


def _switch(work: UnitOfWork, client_id: str, *, off: bool) -> bool:
    """Disable or enable the client. Returns False if nothing changed. Raises NoSuchClient."""
    client = find_client(work, client_id)
    if client is None:
        raise NoSuchClient
    changed = store.set_disabled(work.db, client_id, work.now if off else None, now=work.now)
    if changed and client.has_document:  # deleted as unused, it would come back enabled
        store.set_expiry(work.db, client_id, None if off else work.now + work.settings.unused_client_lifetime)
    return changed


def delete_client(work: UnitOfWork, client_id: str) -> None:
    """Delete a client with everything that belongs to it. Raises NoSuchClient."""
    if find_client(work, client_id) is None or not store.remove(work.db, client_id):
        raise NoSuchClient
    record(work, Event.CLIENT_DELETED, client_id=client_id)


def list_clients(work: UnitOfWork, *, after: str | None = None, limit: int = 100) -> list[Client]:
    """Return a page of clients in the order of client_id, without their secrets."""
    return [client_of(row) for row in store.find_page(work.read, after=after, limit=limit)]


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
