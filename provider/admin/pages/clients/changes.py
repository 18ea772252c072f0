"""Changes of a client's metadata: checked, reviewed, and saved if no one changed the same members meanwhile."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.responses import Response

from provider.admin.client_labels import LABELS
from provider.admin.guards import operator_of
from provider.admin.pages import conflicts
from provider.admin.pages.actions import VERSION, require_version_seen
from provider.admin.pages.clients.frame import client_page
from provider.admin.pages.conflicts import Record, conflict
from provider.audit.events import Event
from provider.changes import Changes
from provider.oauth.clients import clients
from provider.oauth.clients.clients import Client, NoSuchClient
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.sector_documents import require_vouched_for
from provider.oauth.clients.store import clients as store
from provider.oauth.scopes import parse_scope
from provider.operators import authority
from provider.operators.etags import ChangedMeanwhile
from provider.refusals import Refusal
from provider.web.call import Call

SECTOR = ("sector_identifier_uri", "redirect_uris")
"""The members that a sector identifier document speaks about."""


def merge(metadata: ClientMetadata, names: Iterable[str], given: Mapping[str, Any]) -> ClientMetadata:
    """Return the metadata with these members as given, or at their default if they are not. Raises InvalidMetadata."""
    edited = set(names)
    kept = {name: value for name, value in metadata.as_json().items() if name not in edited}
    wanted = {name: _same_order(metadata, name, value) for name, value in given.items()}
    return parse_metadata({**kept, **wanted})


def require_possible(call: Call, client: Client, wanted: ClientMetadata) -> None:
    """Check a change before anything is written. A changed sector identifier document is fetched. Raises
    InvalidMetadata, or MorePermissions if the operator can't have such an application.
    """
    authority.require_application(operator_of(call).permissions, wanted)
    if set(SECTOR) & client.metadata.differences(wanted).keys():
        require_vouched_for(call.work, wanted)
    clients.require_valid(call.work, wanted, before=client)


def apply_changes(
    call: Call, client: Client, names: Iterable[str], given: Mapping[str, Any], wanted: ClientMetadata
) -> None:
    """Save the members `names`. Raises ChangedMeanwhile if one of them has another value than the operator saw, and
    NoSuchClient or MorePermissions.
    """
    work, edited = call.work, tuple(names)
    held = clients.find_client(work, client.client_id) if store.lock(work.db, client.client_id) else None
    if held is None:
        raise NoSuchClient
    authority.require_client(operator_of(call).permissions, held)  # it may have got more since the form was opened
    require_version_seen(call, version_values(held.metadata, edited))
    fresh = merge(held.metadata, edited, given)
    if set(SECTOR) & wanted.differences(fresh).keys():  # the document was checked for other redirect URIs
        raise ChangedMeanwhile
    authority.require_application(operator_of(call).permissions, fresh)
    clients.update_client(work, client.client_id, fresh)


def version_values(metadata: ClientMetadata, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of which `version_of` is the version that an operator edits."""
    values = metadata.as_json()
    return {name: values.get(name) for name in names}


def review(
    call: Call,
    client: Client,
    changes: Mapping[str, tuple[Any, Any]],
    *,
    back: str,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> Response:
    """Show the changes before they are saved. `typed` are the fields to send again, and `back` is the form."""
    return client_page(
        call,
        client,
        "admin/client_changes.html",
        tab="settings",
        status_code=400 if errors else 200,
        changes=[(name, LABELS[name], *_shown(name, pair)) for name, pair in changes.items()],
        typed={**typed, VERSION: call.form.get(VERSION, "")},
        back=back,
        why=call.form.get("why", ""),
        errors=errors or {},
    )


def message_of(refusal: Refusal) -> str:
    """Return what a form of the client says about a refusal."""
    return conflicts.MESSAGE if isinstance(refusal, ChangedMeanwhile) else refusal.message


def client_conflict(
    call: Call, client: Client, names: Iterable[str], typed: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what `conflict` shows for a form that another change overtook. `client` is the one that is saved, and
    `typed` returns the members `names` as typed, or raises InvalidMetadata.
    """
    names = tuple(names)
    try:
        changes = client.metadata.differences(merge(client.metadata, names, typed()))
    except InvalidMetadata:  # it is said when the form is sent again
        changes = Changes()
    differing = [(LABELS[name], _shown(name, pair)[0]) for name, pair in changes.items()]
    record = Record(Event.CLIENT_UPDATED, client_id=client.client_id, members=names)
    return conflict(call, record, differing)


def _shown(name: str, pair: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the values to compare on the page: scopes one by one, like the values of a list."""
    return (parse_scope(pair[0]), parse_scope(pair[1])) if name == "scope" else pair


def _same_order(metadata: ClientMetadata, name: str, value: Any) -> Any:
    """Return the stored value of a set, if it has the same elements: another order is no change."""
    if name in {"grant_types", "response_types", "response_modes"}:
        stored = getattr(metadata, name)
        return stored if set(stored) == set(value) else value
    if name == "scope":
        return metadata.scope if set(parse_scope(metadata.scope)) == set(parse_scope(value)) else value
    return value
