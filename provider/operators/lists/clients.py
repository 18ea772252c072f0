"""The list of applications."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, not_, select

from provider.languages.text import Text
from provider.oauth.clients import client_search, clients
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.clients import Client
from provider.oauth.clients.store import clients as store
from provider.oauth.tokens.store.grants import grants
from provider.operators.lists.listing import Column, Condition, Filter, Kind, Listing, Place, from_day, to_day
from provider.operators.presets import PRESETS, preset_of
from provider.work import UnitOfWork

table = store.clients
YES_NO: Mapping[str, Text] = {"yes": Text("yes"), "no": Text("no")}


@dataclass(frozen=True)
class Entry:
    """A row of the list. `last_sign_in` is that of any user to the application, as long as its tokens are kept."""

    client: Client
    kind: str
    last_sign_in: datetime | None


def _member(name: str) -> ColumnElement[str]:
    """Return a member of the metadata as text; a list is JSON."""
    return func.coalesce(cast(table.c.metadata[name].as_string(), String), "")


def _has_grant_type(name: str) -> ColumnElement[bool]:
    return _member("grant_types").contains(f'"{name}"')


def _is_kind(_work: UnitOfWork, value: str) -> ColumnElement[bool]:
    """Return the condition of `presets.preset_of`."""
    is_api = and_(_member("resource_identifiers").contains('"'), not_(_member("grant_types").contains('"')))
    is_device, has_codes = _has_grant_type(DEVICE_CODE), _has_grant_type("authorization_code")
    is_public, is_native = _member("token_endpoint_auth_method") == "none", _member("application_type") == "native"
    signs_in = and_(not_(is_device), has_codes)
    has_sites = _member("protected_sites").contains('"')
    kinds = {
        "api": is_api,
        "device": is_device,
        "service": and_(not_(is_api), not_(is_device), not_(has_codes)),
        "web": and_(signs_in, not_(is_public)),
        "native": and_(signs_in, is_public, is_native),
        "spa": and_(signs_in, is_public, not_(is_native), not_(has_sites)),
        "site": and_(signs_in, is_public, not_(is_native), has_sites),
    }
    return kinds[value]


def _yes_no(condition: ColumnElement[bool]) -> Condition:
    return lambda _work, value: condition if value == "yes" else not_(condition)


def _signed_in(work: UnitOfWork, text: str) -> ColumnElement[bool]:
    return exists().where(grants.c.client_id == table.c.client_id, from_day(grants.c.created_at)(work, text))


def _not_signed_in(work: UnitOfWork, text: str) -> ColumnElement[bool]:
    return not_(_signed_in(work, text))


def _rows(work: UnitOfWork, keys: list[str]) -> list[Entry]:
    found = {row.client_id: clients.client_of(row) for row in store.find_those(work.read, keys)}
    last = select(grants.c.client_id, func.max(grants.c.created_at)).where(grants.c.client_id.in_(keys))
    signed_in = {row[0]: row[1] for row in work.read.execute(last.group_by(grants.c.client_id))}
    return [Entry(found[key], preset_of(found[key].metadata), signed_in.get(key)) for key in keys if key in found]


def _search(work: UnitOfWork, text: str, *, after: Place | None, limit: int, page: int) -> list[Place]:
    one = clients.find_client(work, text)
    if one is not None:
        return [("", one.client_id)]
    return client_search.find_places(work, text, after=after, limit=limit, page=page)


CLIENTS = Listing(
    name="clients",
    key=table.c.client_id,
    columns=(
        Column("name", Text("Application"), sort=table.c.name_key, is_first=True),
        Column("type", Text("Type")),
        Column("id", Text("Client ID")),
        Column("website", Text("Website"), is_shown=False),
        Column("last_sign_in", Text("Last sign-in")),
        Column("created", Text("Created"), sort=table.c.created_at),
    ),
    filters=(
        Filter("type", Text("Type"), _is_kind, Kind.CHOICE, {name: preset.name for name, preset in PRESETS.items()}),
        Filter("disabled", Text("Disabled"), _yes_no(table.c.disabled_at.is_not(None)), Kind.CHOICE, YES_NO),
        Filter(
            "self_registered",
            Text("Self-registered"),
            _yes_no(table.c.registration_digest.is_not(None)),
            Kind.CHOICE,
            YES_NO,
        ),
        Filter(
            "document",
            Text("Metadata document"),
            _yes_no(table.c.document_expires_at.is_not(None)),
            Kind.CHOICE,
            YES_NO,
        ),
        Filter("signed_in_from", Text("Sign-in since"), _signed_in, Kind.DAY),
        Filter("no_sign_in_from", Text("No sign-in since"), _not_signed_in, Kind.DAY),
        Filter("created_from", Text("Created from"), from_day(table.c.created_at), Kind.DAY),
        Filter("created_to", Text("Created until"), to_day(table.c.created_at), Kind.DAY),
    ),
    sorted_by="name",
    rows=_rows,
    exported={
        "client_id": lambda row: row.client.client_id,
        "client_name": lambda row: row.client.metadata.client_name,
        "type": lambda row: row.kind,
        "disabled": lambda row: row.client.disabled,
        "self_registered": lambda row: row.client.registered_itself,
        "document": lambda row: row.client.has_document,
        "redirect_uris": lambda row: " ".join(row.client.metadata.redirect_uris),
        "created_at": lambda row: row.client.created_at,
        "last_sign_in_at": lambda row: row.last_sign_in,
    },
    search=_search,
)
