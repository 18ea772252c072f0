"""Clients: what may be registered (RFC 7591, OIDC Registration), their secrets, and the copy a process works with."""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_handle, new_opaque, same
from provider.database.base import new_id
from provider.oauth.redirect_uris import problem_with
from provider.oauth.scopes import STANDARD_SCOPES, is_scope_token, parse_scope
from provider.oauth.store import clients as store
from provider.refusals import Refusal
from provider.work import UnitOfWork

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
RESPONSE_TYPES = ("code",)
SIGNING_ALGORITHMS = ("RS256", "ES256")
LONGEST_SCOPE = 2000
"""What a grant can remember."""
LONGEST_MAX_AGE = 10**9
"""Some thirty years, in seconds."""
ROTATION_OVERLAP = timedelta(days=1)
"""How long the secret before a rotation still works."""


class InvalidMetadata(Refusal):
    """RFC 7591 section 3.2.2: `invalid_redirect_uri` or `invalid_client_metadata`."""

    def __init__(self, message: str, *, error: str = "invalid_client_metadata") -> None:
        self.error = error
        super().__init__(message)


class NoSuchClient(Refusal):
    status_code = 404
    message = "There is no such client."


@dataclass(frozen=True, kw_only=True)
class ClientMetadata:
    """What a client is registered as. Names are those of RFC 7591 and OIDC Registration; the last four are ours."""

    client_name: str = ""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105  # a method's name
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: str = " ".join(STANDARD_SCOPES)
    application_type: str = "web"
    id_token_signed_response_alg: str = "RS256"  # noqa: S105  # an algorithm
    default_max_age: int | None = None
    require_auth_time: bool = False
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    require_pkce: bool = True
    claims_in_id_token: bool = False
    first_party: bool = False
    profile: str = "none"

    @property
    def is_public(self) -> bool:
        return self.token_endpoint_auth_method == "none"  # noqa: S105  # a method

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(parse_scope(self.scope))

    @property
    def host(self) -> str:
        """What a person can check: the host they will be sent back to."""
        return urlsplit(self.client_uri or (self.redirect_uris or ("",))[0]).hostname or ""

    def as_json(self) -> dict[str, Any]:
        """RFC 7591 names, lists and plain values."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Client:
    """A registered client as the protocol code uses it."""

    client_id: str
    metadata: ClientMetadata
    secret_digests: tuple[bytes, ...]
    created_at: datetime
    disabled: bool

    @property
    def name(self) -> str:
        return self.metadata.client_name or self.client_id

    def has_secret(self, secret: str) -> bool:
        """Compared in constant time, by digest."""
        presented = digest(secret)
        return any(same(stored, presented) for stored in self.secret_digests)


class Clients:
    """This process's copies of clients, each trusted for SIGNET_CLIENT_CACHE seconds."""

    MOST = 10_000

    def __init__(self) -> None:
        self._copies: dict[str, tuple[datetime, Client | None]] = {}
        self._lock = threading.Lock()

    def find(self, work: UnitOfWork, client_id: str) -> Client | None:
        """Disabled ones too: the caller refuses them by name."""
        kept = self._copies.get(client_id)
        keep = timedelta(seconds=work.settings.client_cache)
        if kept is not None and timedelta(0) <= work.now - kept[0] < keep:
            return kept[1]
        client = find_client(work, client_id)
        if keep and client is not None:  # unknown names are not remembered: anybody can make them up
            with self._lock:
                if len(self._copies) >= self.MOST:
                    self._copies.clear()
                self._copies[client_id] = (work.now, client)
        return client


def find_client(work: UnitOfWork, client_id: str) -> Client | None:
    if not _is_plausible(client_id):
        return None
    row = store.find(work.read, client_id)
    if row is None:
        return None
    digests = store.find_secret_digests(work.read, client_id, now=work.now)
    return Client(
        row.client_id, load_metadata(row.metadata), tuple(digests), row.created_at, row.disabled_at is not None
    )


def _is_plausible(client_id: str) -> bool:
    return 0 < len(client_id) <= 128 and client_id.isascii() and client_id.isprintable()


_FIELDS = {field.name: field for field in fields(ClientMetadata)}
_LISTS = {name for name, field in _FIELDS.items() if "tuple" in str(field.type)}


def load_metadata(given: Mapping[str, Any]) -> ClientMetadata:
    """Stored metadata as a value; members we do not know are ignored (RFC 7591 section 2)."""
    known: dict[str, Any] = {
        name: tuple(value) if name in _LISTS else value for name, value in given.items() if name in _FIELDS
    }
    return ClientMetadata(**known)


def parse_metadata(given: Mapping[str, Any]) -> ClientMetadata:
    """Metadata as somebody sent it. Raises InvalidMetadata with what is wrong."""
    for name, value in given.items():
        field = _FIELDS.get(name)
        if field is None:
            continue
        kind = str(field.type)
        if name in _LISTS:
            good = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        elif "bool" in kind:
            good = isinstance(value, bool)
        elif "int" in kind:
            good = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
        else:
            good = isinstance(value, str) or (value is None and "None" in kind)
        if not good:
            raise InvalidMetadata(f"{name} has the wrong type.")
    metadata = load_metadata(given)
    check_metadata(metadata)
    return metadata


def check_metadata(metadata: ClientMetadata) -> None:
    """Raises InvalidMetadata for what we would not serve."""
    _one_of("token_endpoint_auth_method", metadata.token_endpoint_auth_method, AUTH_METHODS)
    _one_of("id_token_signed_response_alg", metadata.id_token_signed_response_alg, SIGNING_ALGORITHMS)
    _one_of("application_type", metadata.application_type, ("web", "native"))
    _one_of("profile", metadata.profile, ("none",))
    for grant_type in metadata.grant_types:
        _one_of("grant_types", grant_type, GRANT_TYPES)
    for response_type in metadata.response_types:
        _one_of("response_types", response_type, RESPONSE_TYPES)
    if "authorization_code" in metadata.grant_types and not metadata.redirect_uris:
        raise InvalidMetadata("redirect_uris is needed for authorization_code.", error="invalid_redirect_uri")
    if "refresh_token" in metadata.grant_types and "authorization_code" not in metadata.grant_types:
        raise InvalidMetadata("refresh_token needs authorization_code.")
    if metadata.is_public and "client_credentials" in metadata.grant_types:
        raise InvalidMetadata("A public client cannot use client_credentials.")
    if metadata.is_public and not metadata.require_pkce:
        raise InvalidMetadata("A public client cannot do without PKCE.")
    if len(metadata.redirect_uris) > 50 or len(metadata.post_logout_redirect_uris) > 50:
        raise InvalidMetadata("At most 50 redirect URIs.", error="invalid_redirect_uri")
    for uri in metadata.redirect_uris + metadata.post_logout_redirect_uris:
        problem = problem_with(uri)
        if problem is not None:
            raise InvalidMetadata(f"{uri[:200]!r}: {problem}.", error="invalid_redirect_uri")
    for name in ("client_uri", "logo_uri", "policy_uri", "tos_uri"):
        uri = getattr(metadata, name)
        if uri is not None and (urlsplit(uri).scheme not in {"https", "http"} or problem_with(uri) is not None):
            raise InvalidMetadata(f"{name} must be an http or https URL.")
    if len(metadata.client_name) > 200 or not metadata.client_name.isprintable():
        raise InvalidMetadata("client_name is too long or not printable.")
    if len(metadata.scope) > LONGEST_SCOPE or not all(is_scope_token(token) for token in parse_scope(metadata.scope)):
        raise InvalidMetadata("scope is too long or holds a character that no scope may hold.")
    if metadata.default_max_age is not None and metadata.default_max_age > LONGEST_MAX_AGE:
        raise InvalidMetadata("default_max_age is longer than anybody stays signed in.")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidMetadata(f"{name} must be one of {', '.join(allowed)}, not {value[:60]!r}.")


def create_client(
    work: UnitOfWork, metadata: ClientMetadata, *, client_id: str | None = None, secret: str | None = None
) -> tuple[Client, str | None]:
    """Register a client. Returns it with its secret, shown only now (None for a public client).

    `client_id` and `secret` may be brought along from another provider. Raises InvalidMetadata.
    """
    check_metadata(metadata)
    client_id = client_id or new_handle()
    if not _is_plausible(client_id) or _is_uuid(client_id):
        # A client acting for itself is its own `sub`: it must never look like a user's (RFC 9700 section 4.15).
        raise InvalidMetadata("client_id must be 1 to 128 printable ASCII characters and not a UUID.")
    if store.find(work.read, client_id) is not None:
        raise InvalidMetadata("There is a client of this client_id already.")
    if metadata.is_public:
        secret = None
    else:
        secret = secret or new_opaque()
        if len(secret) < 32:
            raise InvalidMetadata("A client secret needs 32 characters or more.")
    store.add(work.db, store.ClientRow(client_id, metadata.as_json(), work.now, work.now, None))
    digests = () if secret is None else (_add_secret(work, client_id, secret),)
    record(work, Event.CLIENT_CREATED, client_id=client_id, name=metadata.client_name)
    return Client(client_id, metadata, digests, work.now, disabled=False), secret


def update_client(work: UnitOfWork, client_id: str, metadata: ClientMetadata) -> None:
    """Replace what a client is registered as. Raises InvalidMetadata, NoSuchClient."""
    check_metadata(metadata)
    before = find_client(work, client_id)
    if before is None or not store.replace_metadata(work.db, client_id, metadata.as_json(), now=work.now):
        raise NoSuchClient
    changed = [name for name in _FIELDS if getattr(before.metadata, name) != getattr(metadata, name)]
    record(work, Event.CLIENT_UPDATED, client_id=client_id, changed=changed)


def rotate_secret(work: UnitOfWork, client_id: str) -> str:
    """A new secret, shown only now; the ones before work for another day. Raises NoSuchClient."""
    client = find_client(work, client_id)
    if client is None:
        raise NoSuchClient
    if client.metadata.is_public:
        raise InvalidMetadata("A public client has no secret.")
    secret = new_opaque()
    store.retire_secrets(work.db, client_id, expires_at=work.now + ROTATION_OVERLAP)
    _add_secret(work, client_id, secret)
    record(work, Event.CLIENT_SECRET_ROTATED, client_id=client_id)
    return secret


def disable(work: UnitOfWork, client_id: str) -> None:
    """The client gets nothing any more, and what it holds stops working. Raises NoSuchClient."""
    if not store.set_disabled(work.db, client_id, work.now, now=work.now):
        raise NoSuchClient
    record(work, Event.CLIENT_DISABLED, client_id=client_id)


def enable(work: UnitOfWork, client_id: str) -> None:
    if not store.set_disabled(work.db, client_id, None, now=work.now):
        raise NoSuchClient
    record(work, Event.CLIENT_ENABLED, client_id=client_id)


def delete_client(work: UnitOfWork, client_id: str) -> None:
    """With everything that belongs to it. Raises NoSuchClient."""
    if not store.remove(work.db, client_id):
        raise NoSuchClient
    record(work, Event.CLIENT_DELETED, client_id=client_id)


def list_clients(work: UnitOfWork, *, after: str | None = None, limit: int = 100) -> list[Client]:
    rows = store.find_page(work.read, after=after, limit=limit)
    return [
        Client(row.client_id, load_metadata(row.metadata), (), row.created_at, row.disabled_at is not None)
        for row in rows
    ]


def _add_secret(work: UnitOfWork, client_id: str, secret: str) -> bytes:
    stored = digest(secret)
    store.add_secret(work.db, secret_id=new_id(), client_id=client_id, digest=stored, now=work.now)
    return stored


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
