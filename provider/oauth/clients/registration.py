"""Clients that register themselves: their metadata, and the token with which each manages its registration.

See RFC 7591, RFC 7592 and OIDC Registration. Metadata that only an operator may set is not in REGISTRABLE
and is ignored here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urldefrag

from provider.audit.events import Event
from provider.audit.log import record
from provider.config.settings import Settings
from provider.crypto.digests import digest, new_opaque
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.choices import CIBA, DEVICE_CODE, SECRET_JWT, SECRET_METHODS
from provider.oauth.clients.clients import Client, NoSuchClient
from provider.oauth.clients.metadata import POLICY, REGISTRABLE, ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.metadata_values import without_nothing
from provider.oauth.clients.reachable import require_reachable
from provider.oauth.clients.sector_documents import require_vouched_for
from provider.oauth.clients.sectors import PUBLIC
from provider.oauth.clients.store import clients as store
from provider.oauth.clients.store import initial_access_tokens
from provider.oauth.response_types import IMPLICIT, grant_types_of, parse_response_type
from provider.oauth.scopes import (
    ACCOUNT,
    ADMIN_READ,
    ADMIN_WRITE,
    GLOBAL_REVOCATION,
    OFFLINE_ACCESS,
    SCIM,
    SCOPES,
    SSF_MANAGE,
    SSF_READ,
    format_scope,
    requested_scope,
)
from provider.work import UnitOfWork

UNCHOSEN = ("token_endpoint_auth_method", SECRET_METHODS[0])
"""What a client that chose no method is told: the default of RFC 7591 section 2."""
RESERVED_SCOPES = frozenset({ACCOUNT, ADMIN_READ, ADMIN_WRITE, SCIM, SSF_MANAGE, SSF_READ, GLOBAL_REVOCATION})
FOR_HOLDERS = ("client_credentials", CIBA)
"""The grant types for holders of a registration token only: no user decides, or each request sends an email."""


@dataclass(frozen=True)
class Registered:
    """A client as it is registered now, and the secrets that are shown only once."""

    client: Client
    token: str
    """The registration access token."""
    secret: str | None = None


def issue_initial_token(work: UnitOfWork, *, uses: int, lifetime: timedelta) -> tuple[str, datetime]:
    """Issue an initial access token for a number of registrations. Returns the token and when it expires."""
    token, expires_at = new_opaque(), work.now + lifetime
    initial_access_tokens.add(work.db, digest=digest(token), uses=uses, now=work.now, expires_at=expires_at)
    record(work, Event.REGISTRATION_TOKEN_ISSUED, uses=uses)
    return token, expires_at


def read_metadata(work: UnitOfWork, given: Mapping[str, Any], *, before: Client | None = None) -> ClientMetadata:
    """Return the metadata to register for a request. Members left out have the defaults of RFC 7591 section 2.

    `before` is the client that updates itself: what operators restricted stays so. May ask the client's server. Raises
    InvalidMetadata.
    """
    # "Omitted fields MUST be treated as null", and so the other way round (RFC 7592 section 2.2).
    sent = without_nothing(given, empty_means_none=False)
    wanted = {name: sent[name] for name in REGISTRABLE if name in sent}
    if before is not None and before.metadata.token_endpoint_auth_method is None:
        # Sending back what `information` said is no choice.
        wanted = {name: value for name, value in wanted.items() if (name, value) != UNCHOSEN}
    kept = before.metadata.private_use_schemes if before is not None else ()
    allowed = dict.fromkeys((*work.settings.registration_schemes, *kept))
    used = _schemes_of(wanted)  # the setting may have more schemes than a client can have
    schemes = tuple(scheme for scheme in allowed if scheme in used)
    metadata = _obtainable(work.settings, wanted, parse_metadata({**wanted, "private_use_schemes": schemes}))
    metadata = _restricted(metadata, before)
    # A browser loads the logo without being asked to: not from the network that the person happens to be in.
    require_reachable(work, metadata.logo_uri and urldefrag(metadata.logo_uri).url)
    clients.require_valid(work, metadata, before=before)
    require_vouched_for(work, metadata)
    return metadata


def _restricted(metadata: ClientMetadata, before: Client | None) -> ClientMetadata:
    """Return the metadata with what operators restricted of the client (decision 422)."""
    kept = {} if before is None else {name: getattr(before.metadata, name) for name in POLICY}
    return replace(metadata, **{name: value for name, value in kept.items() if value != POLICY[name]})


def _schemes_of(wanted: Mapping[str, Any]) -> set[str]:
    """Return the schemes of the redirect URIs in a request that is not checked yet."""
    lists = [wanted.get(member) for member in ("redirect_uris", "post_logout_redirect_uris")]
    uris = [uri for each in lists if isinstance(each, list | tuple) for uri in each if isinstance(uri, str)]
    return {uri.partition(":")[0].lower() for uri in uris}


def _obtainable(settings: Settings, wanted: Mapping[str, Any], metadata: ClientMetadata) -> ClientMetadata:
    grant_types = _grant_types(settings)
    forbidden = [grant_type for grant_type in metadata.grant_types if grant_type not in grant_types]
    if forbidden:
        raise InvalidMetadata(
            f"grant_types: clients cannot register for {forbidden[0]}. Allowed: {_one_of(grant_types)}."
        )
    if metadata.asks_elsewhere and metadata.subject_type != PUBLIC:
        # No redirect proves that the hosts it names are its own: it would see people as another app does.
        raise InvalidMetadata(
            f"subject_type pairwise cannot be registered together with the device flow or the grant type {CIBA}."
        )
    response_types = metadata.response_types
    if "response_types" not in wanted and "authorization_code" not in metadata.grant_types:
        response_types = ()
    for text in response_types:
        missing = grant_types_of(parse_response_type(text)) - set(metadata.grant_types)
        if missing:
            raise InvalidMetadata(f"response_types: {text!r} requires the grant type {' and '.join(sorted(missing))}.")
    return replace(
        metadata,
        response_types=response_types,
        scope=_scope(settings, metadata, asked=wanted.get("scope")),
        authorization_details_types=tuple(
            name for name in metadata.authorization_details_types if name in settings.registration_details_types
        ),
        require_pkce=metadata.is_public or settings.registration_require_pkce,
    )


def _grant_types(settings: Settings) -> tuple[str, ...]:
    """Return the grant types that a client may register for.

    They are those in which a user decides. Where registration needs a token, its holder may also use FOR_HOLDERS.
    """
    legacy = (IMPLICIT,) if settings.legacy_response_types else ()
    of_holders = FOR_HOLDERS if settings.registration == "token" else ()
    return ("authorization_code", "refresh_token", DEVICE_CODE, *legacy, *of_holders)


def _scope(settings: Settings, metadata: ClientMetadata, *, asked: str | None) -> str:
    """Return the scope of the client: all offered scopes, or the requested ones among them (RFC 7591 section 2).

    An app that asks for a scope of an API gets those of all APIs, if users decide about each. MCP clients register with
    what the first request needs, and ask the user for more when a tool needs it (decision 294-scope).
    """
    all_offered = [token for token in settings.registration_scopes if token not in RESERVED_SCOPES]
    offered = requested_scope(None, default=all_offered, offline=metadata.may_refresh)
    wanted = requested_scope(asked, default=offered, offline=metadata.may_refresh)
    granted = [token for token in wanted if token in offered]
    if wanted and not granted:
        raise InvalidMetadata(f"scope: clients can register only for {_one_of(offered)}.")
    if any(token not in SCOPES for token in granted) and set(FOR_HOLDERS).isdisjoint(metadata.grant_types):
        granted += [token for token in offered if token not in SCOPES and token not in granted]
    if settings.assume_offline_access and OFFLINE_ACCESS in offered and OFFLINE_ACCESS not in granted:
        granted.append(OFFLINE_ACCESS)  # a request of this app is treated as if it asked for it
    return format_scope(granted)


def _one_of(values: tuple[str, ...] | list[str]) -> str:
    return ", ".join(values) or "nothing"


def register(work: UnitOfWork, metadata: ClientMetadata) -> Registered:
    """Register a client with the metadata that `read_metadata` returned."""
    client, secret = clients.create_client(work, metadata)
    token, expires_at = new_opaque(), work.now + work.settings.unused_client_lifetime
    store.rotate_registration(work.db, client.client_id, before=None, digest=digest(token))
    store.set_expiry(work.db, client.client_id, expires_at)
    return Registered(replace(client, registration_digest=digest(token), expires_at=expires_at), token, secret)


def update(work: UnitOfWork, client: Client, metadata: ClientMetadata) -> Registered | None:
    """Replace the client's metadata and its registration access token. What an operator granted is removed, and what an
    operator restricted stays.

    Returns None if another update came first. Raises InvalidMetadata if an operator has just restricted the client.
    """
    token = new_opaque()
    if not store.rotate_registration(
        work.db, client.client_id, before=client.registration_digest, digest=digest(token)
    ):
        return None
    metadata = _restricted(metadata, clients.find_client(work, client.client_id))  # the row is ours now
    clients.update_client(work, client.client_id, metadata)
    needs_secret = metadata.has_secret and not client.secrets
    needs_key = metadata.token_endpoint_auth_method == SECRET_JWT and not client.sealed_secrets
    secret = secret_rotation.rotate_secret(work, client.client_id) if needs_secret or needs_key else None
    return Registered(replace(client, metadata=metadata), token, secret)


def delete(work: UnitOfWork, client: Client) -> bool:
    """Delete the client. Returns False if it was deleted already."""
    try:
        clients.delete_client(work, client.client_id)
    except NoSuchClient:
        return False
    return True


def information(settings: Settings, registered: Registered) -> dict[str, Any]:
    """Return the client information response (RFC 7591 section 3.2.1, RFC 7592 section 3)."""
    client = registered.client
    metadata = {
        name: value
        for name, value in (dict([UNCHOSEN]) | client.metadata.as_json()).items()
        # Empty means left out, but for these: left out they would mean authorization_code and code.
        if name in REGISTRABLE and (value not in ("", ()) or name in {"grant_types", "response_types"})
    }
    secret = {} if registered.secret is None else {"client_secret": registered.secret, "client_secret_expires_at": 0}
    return {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        **secret,
        **metadata,
        "registration_client_uri": f"{settings.issuer}/oauth2/register/{client.client_id}",
        "registration_access_token": registered.token,
    }
