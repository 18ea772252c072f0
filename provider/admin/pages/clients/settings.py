"""The settings of an application: a form for each group, a summary of the changes, and the update."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin import client_form, client_groups
from provider.admin.client_groups import GROUPS, Group
from provider.admin.client_labels import LABELS
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
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.operators.authority import MorePermissions
from provider.operators.etags import ChangedMeanwhile, version_of
from provider.refusals import NotFound, Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go

FIRST = "basics"


@endpoint
def show_settings(call: Call) -> Response:
    """Show a group of settings: GET /admin/clients/client/settings?client_id=&group=."""
    client = find_client(call, require_operator(call, Permission.APPLICATIONS_READ)).value
    return _form(call, client, _group(call))


@endpoint
def save_settings(call: Call) -> Response:
    """Handle the form of a group: POST to the same URL. Without `sure` it shows a summary of the changes; with it, it
    saves them. Members of other groups stay as they are.
    """
    subject = find_client_to_change(call)
    client, key = subject.value, _group(call)
    names = _names(call, client, GROUPS[key])
    here = url_of(client.client_id, "settings", group=key)
    changes: dict[str, tuple[Any, Any]] = {}
    try:
        require_version_seen(call, version_values(client.metadata, names))
        given = client_form.parse(names, call.form, client.metadata)
        wanted = merge(client.metadata, names, given)
        changes = client.metadata.differences(wanted)
        if not changes:
            return go(here)
        require_possible(call, client, wanted)
        if call.form.get("sure") is None:
            return review(call, client, changes, back=here, typed=_typed(call, names))
        record_reason(call)
        apply_changes(call, client, names, given, wanted)
    except InvalidInput as refusal:
        errors = {refusal.name: refusal.message}
        return review(call, client, changes, back=here, typed=_typed(call, names), errors=errors)
    except ChangedMeanwhile as refusal:
        return _form(call, find_client(call, subject.operator).value, key, refusal, typed=call.form)
    except (InvalidMetadata, MorePermissions) as refusal:
        return _form(call, client, key, refusal, typed=call.form)
    return go(f"{here}&changed=yes")


def _group(call: Call) -> str:
    key = call.query.get("group", FIRST)
    if key not in GROUPS:
        raise NotFound
    return key


def _names(call: Call, client: Client, group: Group) -> tuple[str, ...]:
    return client_groups.fitting(group.names, client.metadata, call.settings)


def _typed(call: Call, names: tuple[str, ...]) -> dict[str, str]:
    """Return the fields of the form that belong to these members."""
    return {key: value for key, value in call.form.items() if key.split(".")[0] in names}


def _form(
    call: Call, client: Client, key: str, refusal: Refusal | None = None, *, typed: Mapping[str, str] | None = None
) -> Response:
    group, metadata, settings = GROUPS[key], client.metadata, call.settings
    names = _names(call, client, group)
    about = client_form.member_of(refusal, LABELS) if isinstance(refusal, InvalidMetadata) else ""
    if typed is None:
        fields = client_form.members(names, metadata, settings)
    else:
        fields = client_form.typed_members(names, typed, metadata, settings)
    sections = [
        (section.title, [field for field in fields if field.name in section.names]) for section in group.sections
    ]
    return client_page(
        call,
        client,
        "admin/client_settings.html",
        tab="settings",
        status_code=200 if refusal is None else refusal.status_code,
        group=key,
        groups=setting_groups(call, client),
        sections=[(title, members) for title, members in sections if members],
        changed=ClientMetadata().differences(metadata),
        version=version_of(version_values(metadata, names)),
        errors={} if refusal is None else {about if about in names else "": message_of(refusal)},
        overtaken=client_conflict(call, client, names, lambda: client_form.parse(names, call.form, metadata))
        if isinstance(refusal, ChangedMeanwhile)
        else None,
        elsewhere=_elsewhere(client, about) if about not in names else None,
    )


def _elsewhere(client: Client, name: str) -> tuple[str, str] | None:
    """Return the title and URL of the group with the member that an error is about."""
    if not name:
        return None
    key = client_groups.group_of(name)
    return GROUPS[key].title, url_of(client.client_id, "settings", group=key)
