"""All settings of an application as one JSON object, with the same rules, review and errors as the forms."""

import json
from typing import Any

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.client_groups import all_names
from provider.admin.guards import require_operator
from provider.admin.pages.actions import InvalidInput, record_reason, require_version_seen
from provider.admin.pages.clients.changes import (
    apply_changes,
    client_conflict,
    merge,
    message_of,
    require_possible,
    review,
    version_values,
)
from provider.admin.pages.clients.frame import client_page, find_client, find_client_to_change, setting_groups, url_of
from provider.jose.json_objects import read_object
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.operators.authority import MorePermissions
from provider.operators.etags import ChangedMeanwhile, version_of
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go

FIELD = "metadata"
NAMES = all_names()


@endpoint
def show_json(call: Call) -> Response:
    """Show all settings as JSON: GET /admin/clients/client/json?client_id=."""
    client = find_client(call, require_operator(call, Permission.APPLICATIONS_READ)).value
    return _form(call, client, _as_text(client.metadata))


@endpoint
def save_json(call: Call) -> Response:
    """Handle the JSON form: POST to the same URL. Without `sure` it shows a summary of the changes; with it, it saves
    them.
    """
    subject = find_client_to_change(call)
    client, text = subject.value, call.form.get(FIELD, "")
    here = url_of(client.client_id, "json")
    changes: dict[str, tuple[Any, Any]] = {}
    try:
        require_version_seen(call, version_values(client.metadata, NAMES))
        given = _parse(text)
        wanted = merge(client.metadata, NAMES, given)
        changes = client.metadata.differences(wanted)
        if not changes:
            return go(here)
        require_possible(call, client, wanted)
        if call.form.get("sure") is None:
            return review(call, client, changes, back=here, typed={FIELD: text})
        record_reason(call)
        apply_changes(call, client, NAMES, given, wanted)
    except InvalidInput as refusal:
        return review(call, client, changes, back=here, typed={FIELD: text}, errors={refusal.name: refusal.message})
    except ChangedMeanwhile as refusal:
        return _form(call, find_client(call, subject.operator).value, text, refusal)
    except (InvalidMetadata, MorePermissions) as refusal:
        return _form(call, client, text, refusal)
    return go(f"{here}&changed=yes")


def _as_text(metadata: ClientMetadata) -> str:
    """Return every member, also those without a value, in the order of the groups."""
    return json.dumps(version_values(metadata, NAMES), indent=2, ensure_ascii=False)


def _parse(text: str) -> dict[str, Any]:
    """Return the members. Raises InvalidMetadata for text that is no JSON object, and for unknown members."""
    try:
        given = read_object(text.encode())
    except ValueError as problem:
        raise InvalidMetadata(f"This is not a JSON object: {problem}.") from None
    unknown = [name for name in given if name not in NAMES]
    if unknown:
        raise InvalidMetadata(f"{unknown[0][:60]!r} is not a setting of applications. Check its spelling.")
    return given


def _form(call: Call, client: Client, text: str, refusal: Refusal | None = None) -> Response:
    return client_page(
        call,
        client,
        "admin/client_json.html",
        tab="settings",
        status_code=200 if refusal is None else refusal.status_code,
        groups=setting_groups(call, client),
        text=text,
        rows=min(text.count("\n") + 2, 60),
        version=version_of(version_values(client.metadata, NAMES)),
        errors={} if refusal is None else {FIELD: message_of(refusal)},
        overtaken=client_conflict(call, client, NAMES, lambda: _parse(text))
        if isinstance(refusal, ChangedMeanwhile)
        else None,
    )
