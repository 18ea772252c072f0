"""Editing a client's metadata in three steps: the form, a summary of the changes, and the update."""

from collections.abc import Callable, Iterable
from typing import Any

from starlette.responses import Response

from provider.admin import authority, client_form
from provider.admin.authority import MorePermissions
from provider.admin.client_labels import LABELS
from provider.admin.etags import ChangedMeanwhile, version_of
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import VERSION, InvalidInput, Subject, record_reason, require_version_seen
from provider.admin.pages.clients.clients import NEEDS, find_client
from provider.oauth.clients import clients
from provider.oauth.clients.clients import Client, NoSuchClient
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.sector_documents import require_vouched_for
from provider.oauth.clients.store import clients as store
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

Members = Callable[[Iterable[str]], list[client_form.Member]]
NAMES = tuple(name for _, names in client_form.GROUPS for name in names)


@endpoint
def show_edit(call: Call) -> Response:
    """Show the form with every metadata member of a client: GET /admin/clients/edit?client_id=."""
    client = _find(call).value
    return _form(call, client, lambda names: client_form.members(names, client.metadata))


@endpoint
def edit(call: Call) -> Response:
    """Handle the edit form: POST /admin/clients/edit. Without `sure` it shows a summary of the changes; with it, it
    saves them.
    """
    subject = _find(call)
    client = subject.value
    try:
        wanted = _read(call, subject.operator, client)
        changes = client.metadata.differences(wanted)
        if not changes:
            return go(subject.url)
        if call.form.get("sure") is None:
            return _ask(call, client, changes)
        record_reason(call)
        _change(call, client.client_id, wanted)
    except InvalidInput as refusal:
        return _ask(call, client, changes, {refusal.name: refusal.message})
    except ChangedMeanwhile as refusal:
        fresh = find_client(call, subject.operator).value
        return _form(call, fresh, lambda names: client_form.members(names, fresh.metadata), refusal)
    except (InvalidMetadata, MorePermissions) as refusal:
        return _form(call, client, lambda names: client_form.typed_members(names, call.form), refusal)
    return go(f"{subject.url}&changed=yes")


def _find(call: Call) -> Subject[Client]:
    """Return the client to edit. Raises NoSuchClient, RoleRequired or MorePermissions."""
    subject = find_client(call, require_operator(call, NEEDS))
    subject.require_possible()
    return subject


def _read(call: Call, operator: Operator, client: Client) -> ClientMetadata:
    """Parse the form into metadata. A changed sector identifier document is fetched before anything is written. Raises
    InvalidMetadata, or MorePermissions if the operator can't register such an application.
    """
    wanted = parse_metadata(client_form.parse(NAMES, call.form))
    if {"sector_identifier_uri", "redirect_uris"} & client.metadata.differences(wanted).keys():
        require_vouched_for(call.work, wanted)
    clients.require_valid(call.work, wanted, before=client)
    authority.require_application(operator.permissions, wanted)
    return wanted


def _change(call: Call, client_id: str, wanted: ClientMetadata) -> None:
    work = call.work
    held = clients.find_client(work, client_id) if store.lock(work.db, client_id) else None
    if held is None:
        raise NoSuchClient
    require_version_seen(call, held.metadata.as_json())
    clients.update_client(work, client_id, wanted)


def _form(call: Call, client: Client, members: Members, refusal: Refusal | None = None) -> Response:
    return page(
        call,
        "admin/client_edit.html",
        status_code=200 if refusal is None else refusal.status_code,
        client=client,
        groups=[(title, members(names)) for title, names in client_form.GROUPS],
        version=version_of(client.metadata.as_json()),
        errors=_errors(refusal),
    )


def _errors(refusal: Refusal | None) -> dict[str, str]:
    if refusal is None:
        return {}
    about = client_form.member_of(refusal, NAMES) if isinstance(refusal, InvalidMetadata) else ""
    return {about: refusal.message}


def _ask(
    call: Call, client: Client, changes: dict[str, tuple[Any, Any]], errors: dict[str, str] | None = None
) -> Response:
    return page(
        call,
        "admin/client_changes.html",
        status_code=400 if errors else 200,
        client=client,
        changes=changes,
        labels=LABELS,
        typed={name: value for name, value in call.form.items() if name in NAMES or name == VERSION},
        why=call.form.get("why", ""),
        errors=errors or {},
    )
