"""Registered clients. Their secrets are in `client_secrets`."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    Connection,
    Exists,
    Index,
    String,
    Table,
    bindparam,
    case,
    column,
    delete,
    exists,
    insert,
    or_,
    select,
    table,
    update,
)

from provider.database import dialect
from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.rows import joined, one_value, rows_of, values_of
from provider.database.types import BEYOND, Digest, SearchKey, UtcTime, search_key

clients = Table(
    "clients",
    metadata,
    Column("client_id", String(128), primary_key=True),
    Column("metadata", JSON, nullable=False),  # as registered, RFC 7591 names; see `client_metadata`
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Column(
        "registration_digest", Digest
    ),  # of the registration access token; only of clients that registered themselves
    Column("expires_at", UtcTime),  # the same: unused until then, it is deleted
    Column("assertion_issuer", String(255)),  # as in the metadata: the trusted issuer that authenticates it
    Column("assertion_issuer_since", UtcTime),  # tokens from before were issued to the client without it
    Column("document_expires_at", UtcTime),  # of the copy of a metadata document; null if the client is registered
    Column("name_key", SearchKey, nullable=False, server_default=""),  # the name as it is searched by
    Index("ix_clients_created_at", "created_at"),
    Index("ix_clients_name_key_client_id", "name_key", "client_id"),
    Index("ix_clients_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class ClientRow:
    client_id: str
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None
    registration_digest: bytes | None = None
    expires_at: datetime | None = None
    document_expires_at: datetime | None = None


# Consents are of `oauth.authorize`, above this one, so they are named here without an import.
_consents = table("consents", column("client_id"))
_CLIENT = rows_of(ClientRow, clients)
_ADD = Prepared(insert(clients))
_FIND = _CLIENT.prepare(_CLIENT.select().where(clients.c.client_id == bindparam("client_id")))
_NAMED = joined(one_value(clients.c.name_key), _CLIENT)


def add(db: Connection, client: ClientRow) -> None:
    issuer = client.metadata.get("assertion_issuer")
    since = None if issuer is None else client.created_at
    looked_up = {"name_key": _name_key(client.metadata), "assertion_issuer": issuer, "assertion_issuer_since": since}
    _ADD.change(db, values_of(client) | looked_up)


def find(db: Connection, client_id: str) -> ClientRow | None:
    return _FIND.one(db, {"client_id": client_id})


def find_those(db: Connection, client_ids: Collection[str]) -> list[ClientRow]:
    return _CLIENT.all(db, _CLIENT.select().where(clients.c.client_id.in_(client_ids)))


def is_enabled(client_id: BindParameter[str]) -> Exists:
    """Return the condition that there is such a client and it is not disabled, for a query about something else."""
    return exists().where(clients.c.client_id == client_id, clients.c.disabled_at.is_(None))


_ENABLED = one_value(is_enabled(bindparam("client_id", type_=String)))
_FIND_ENABLED = _ENABLED.prepare(_ENABLED.select())


def find_enabled(db: Connection, client_id: str) -> bool:
    """Return whether there is such a client and it is not disabled."""
    return bool(_FIND_ENABLED.one(db, {"client_id": client_id}))


def queue_for(db: Connection, names: Iterable[str]) -> None:
    """Lock the names of clients or APIs until the transaction ends, so that no other transaction registers them.

    Earlier registrations of these names are visible from here on.
    """
    for name in sorted(set(names)):
        dialect.queue_for(db, f"client {name}")


def lock(db: Connection, client_id: str) -> bool:
    """Lock the client's row until the transaction ends. Returns False if there is none."""
    return db.scalar(select(clients.c.client_id).where(clients.c.client_id == client_id).with_for_update()) is not None


def find_old(db: Connection, beginning: str, *, before: datetime) -> list[str]:
    """Return the ids with this beginning of clients that were created before."""
    named = clients.c.client_id.startswith(beginning, autoescape=True)
    return list(db.scalars(select(clients.c.client_id).where(named, clients.c.created_at < before)))


def find_page(db: Connection, *, after: str | None = None, limit: int = 100) -> list[ClientRow]:
    query = _CLIENT.select().order_by(clients.c.client_id).limit(limit)
    return _CLIENT.all(db, query if after is None else query.where(clients.c.client_id > after))


def find_named(
    db: Connection, beginning: str, *, after: tuple[str, str] | None = None, limit: int = 100
) -> list[tuple[str, ClientRow]]:
    """Return clients whose name begins with this text, sorted by name, as (search key, client).

    `after` is the key and the client_id of the last client of the previous page.
    """
    key, client_id = clients.c.name_key, clients.c.client_id
    query = _NAMED.select().where(key >= beginning, key < beginning + BEYOND)
    if after is not None:
        query = query.where(key >= after[0], or_(key > after[0], client_id > after[1]))
    return _NAMED.all(db, query.order_by(key, client_id).limit(limit))


def find_requiring(db: Connection, factors: Collection[str], *, limit: int) -> list[tuple[str, str]]:
    """Return client_id and `required_factor` of enabled clients that require one of these factors, up to `limit`."""
    required = clients.c.metadata["required_factor"].as_string()
    query = select(clients.c.client_id, required).where(clients.c.disabled_at.is_(None), required.in_(factors))
    return [(client_id, factor) for client_id, factor in db.execute(query.order_by(clients.c.client_id).limit(limit))]


def find_strict(db: Connection, *, limit: int) -> list[ClientRow]:
    """Return enabled clients that depend on more than their own secret, up to `limit`.

    They have a FAPI 2.0 profile, must sign requests, show a certificate (RFC 8705), or authenticate with tokens of a
    trusted issuer (RFC 7523).
    """
    named = [clients.c.metadata[name].as_string() for name in ("profile", "token_endpoint_auth_method")]
    must = ("tls_client_certificate_bound_access_tokens", "require_signed_request_object")
    strict = or_(
        named[0].in_(("fapi2", "fapi2-message-signing")),
        named[1].in_(("tls_client_auth", "self_signed_tls_client_auth", "federated_jwt")),
        *(clients.c.metadata[name].as_boolean() for name in must),
    )
    query = _CLIENT.select().where(clients.c.disabled_at.is_(None), strict)
    return _CLIENT.all(db, query.order_by(clients.c.client_id).limit(limit))


def find_names(db: Connection, client_ids: Collection[str]) -> dict[str, str]:
    """Return the names of these clients by client_id; an empty name if a client has none."""
    found = db.execute(select(clients.c.client_id, clients.c.metadata).where(clients.c.client_id.in_(client_ids)))
    return {client_id: values.get("client_name") or "" for client_id, values in found}


def replace_metadata(db: Connection, client_id: str, values: dict[str, Any], *, now: datetime) -> bool:
    issuer = values.get("assertion_issuer")
    is_same = clients.c.assertion_issuer.is_not_distinct_from(issuer)
    since = case((is_same, clients.c.assertion_issuer_since), else_=now)
    given = {"metadata": values, "name_key": _name_key(values), "assertion_issuer": issuer, "updated_at": now}
    changed = update(clients).where(clients.c.client_id == client_id)
    return db.execute(changed.values(given | {"assertion_issuer_since": since})).rowcount == 1


def _name_key(values: dict[str, Any]) -> str:
    return search_key(values.get("client_name", ""))


def set_disabled(db: Connection, client_id: str, disabled_at: datetime | None, *, now: datetime) -> bool:
    """Disable the client since `disabled_at`, or enable it with None. Returns False if there is none or nothing
    changed.
    """
    other = clients.c.disabled_at.is_not(None) if disabled_at is None else clients.c.disabled_at.is_(None)
    there = (clients.c.client_id == client_id, other)
    changed = update(clients).where(*there).values(disabled_at=disabled_at, updated_at=now)
    return db.execute(changed).rowcount == 1


def rotate_registration(db: Connection, client_id: str, *, before: bytes | None, digest: bytes) -> bool:
    """Replace the registration access token. Returns False if it was replaced meanwhile."""
    known = clients.c.registration_digest.is_(None) if before is None else clients.c.registration_digest == before
    changed = update(clients).where(clients.c.client_id == client_id, known).values(registration_digest=digest)
    return db.execute(changed).rowcount == 1


def remove_consents(db: Connection, client_id: str) -> None:
    """Delete what users allowed the client."""
    db.execute(delete(_consents).where(_consents.c.client_id == client_id))


def set_expiry(db: Connection, client_id: str, expires_at: datetime | None) -> None:
    db.execute(update(clients).where(clients.c.client_id == client_id).values(expires_at=expires_at))


def set_document_expiry(db: Connection, client_id: str, expires_at: datetime) -> None:
    """Note until when the copy of the client's metadata document is fresh."""
    db.execute(update(clients).where(clients.c.client_id == client_id).values(document_expires_at=expires_at))


def remove_expired(db: Connection, *, before: datetime, limit: int) -> list[str]:
    """Delete up to `limit` clients that expired before `before`, with all that belongs to them; return their
    client_ids.
    """
    old = select(clients.c.client_id).where(clients.c.expires_at < before).order_by(clients.c.expires_at).limit(limit)
    # Asked again of each row: one that is used meanwhile stays.
    gone = delete(clients).where(clients.c.client_id.in_(old), clients.c.expires_at < before)
    return list(db.scalars(gone.returning(clients.c.client_id)))


def remove(db: Connection, client_id: str) -> bool:
    return db.execute(delete(clients).where(clients.c.client_id == client_id)).rowcount == 1
