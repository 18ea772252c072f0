"""Provisioning of an application: its settings, its state, and what failed."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Subject,
    action_endpoint,
)
from provider.admin.pages.clients.connection_form import ConnectionForm
from provider.admin.pages.clients.frame import NEEDS, find_client, url_of
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.admin.pages.user_names import user_names
from provider.audit.events import Event
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.operators import provisioning as rules
from provider.operators.authority import MorePermissions
from provider.provisioning import connections
from provider.provisioning.settings import InvalidProvisioning, ProvisioningSettings
from provider.provisioning.store import connections as store
from provider.provisioning.store import resources
from provider.provisioning.store.connections import OnDeletion, Provisioning
from provider.provisioning.store.resources import Kind, State
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.work import UnitOfWork

TAB = "provisioning"
LABELS = {
    "base_url": Text("Base URL of its SCIM service"),
    "token": Text("Bearer token"),
    "members_of": Text("Only members of these groups"),
    "push_groups": Text("Groups to send"),
    "on_deletion": Text("When a user is deleted here"),
    "with_attributes": Text("Send declared attributes"),
}
DELETIONS = {
    OnDeletion.DEACTIVATE: Text("Deactivate the user there"),
    OnDeletion.DELETE: Text("Delete the user there"),
}
STATES = {
    "on": Text("on"),
    "scanning": Text("comparing users"),
    "paused": Text("paused"),
    "stopped": Text("stopped"),
    "disabled": Text("off"),
}
RESOURCE_STATES = {State.PENDING: Text("pending"), State.CURRENT: Text("up to date"), State.FAILED: Text("failed")}


def _simply(do: Callable[[UnitOfWork, str], object]) -> Callable[[Call, Subject[Client]], None]:
    def act(call: Call, subject: Subject[Client]) -> None:
        do(call.work, subject.value.client_id)

    return act


def _enable(call: Call, subject: Subject[Client]) -> None:
    rules.require_permissions(subject.operator.permissions)
    connections.enable(call.work, subject.value.client_id)


def _retry_one(call: Call, subject: Subject[Client]) -> None:
    kind, key = call.query.text("kind"), call.query.text("key")
    connections.retry(call.work, subject.value.client_id, kind=kind, key=key)


def _part(call: Call, client: Client) -> str | None:
    """Return the name of the user or group in the query, or None if nothing is known of it at the application."""
    kind, key = call.query.text("kind"), call.query.text("key")
    if resources.find(call.work.read, client.client_id, kind, key) is None:
        return None
    return user_names(call, [key]).get(key, key) if kind == Kind.USER else key


ACTIONS: Actions[Client] = {
    "test": Action(
        title=Text("Test connection"),
        button=Text("Test connection"),
        means=(Text("The configuration of the SCIM service is read with the token. Nothing is changed there."),),
        done=Text("The connection works."),
        do=_simply(connections.check),
    ),
    "resync": Action(
        title=Text("Resync"),
        button=Text("Send everything again"),
        means=(
            Text("All users and groups are sent again, also those that have not changed."),
            Text("Do this after the application lost data, or if users were changed there."),
        ),
        done=Text("Resync started."),
        do=_simply(connections.resync),
    ),
    "retry": Action(
        title=Text("Retry what failed"),
        button=Text("Retry"),
        means=(
            Text("Failed users and groups are sent again now. If provisioning is stopped or paused, it continues."),
        ),
        done=Text("Failed users and groups are sent again."),
        do=_simply(connections.retry),
    ),
    "retry-one": Action(
        title=Text("Retry"),
        button=Text("Retry"),
        means=(Text("It is sent again now, in its current state."),),
        done=Text("It is sent again."),
        do=_retry_one,
        part=_part,
    ),
    "disable": Action(
        title=Text("Turn provisioning off"),
        button=Text("Turn off"),
        means=(Text("Nothing more is sent. Users and groups stay at the application as they are."),),
        done=Text("Provisioning turned off."),
        do=_simply(connections.disable),
    ),
    "enable": Action(
        title=Text("Turn provisioning on"),
        button=Text("Turn on"),
        means=(Text("What has changed meanwhile is sent."),),
        done=Text("Provisioning turned on."),
        do=_enable,
    ),
    "delete": Action(
        title=Text("Delete provisioning"),
        button=Text("Delete provisioning"),
        means=(Text("The settings and the token are deleted. Users and groups stay at the application as they are."),),
        done=Text("Provisioning deleted."),
        do=_simply(connections.delete),
        danger=True,
    ),
}


def _find(call: Call, operator: Operator) -> Subject[Client]:
    found = find_client(call, operator)
    connections.find(call.work, found.value.client_id)
    return Subject(found.name, url_of(found.value.client_id, TAB), found.value, operator, found.problem)


act_on_provisioning = action_endpoint(_find, ACTIONS, here="clients", needs=NEEDS)


def _state(call: Call, found: Provisioning) -> dict[str, Any]:
    """Return what the page shows of the state: the numbers, and a page of users and groups."""
    counts = resources.count(call.work.read, found.client_id)
    shows = "all" if call.query.get("show") == "all" else "failing"
    place = place_on(call, f"provisioning/{shows}")
    after = None if place is None else (str(place[0]), str(place[1]))
    state = None if shows == "all" else shows
    rows = resources.find_page(call.work.read, found.client_id, state=state, after=after, limit=AT_ONCE + 1)
    listed, further = rows[:AT_ONCE], rows[AT_ONCE:]
    place_next = (listed[-1].kind, listed[-1].key) if further else None
    total = counts.users + counts.deactivated + counts.groups
    return {
        "state": rules.state_of(found),
        "state_name": STATES[rules.state_of(found)],
        "counts": counts,
        "progress": SimpleNamespace(
            total=max(found.scanned, total, counts.pending),
            done=max(found.scanned, total, counts.pending) - counts.pending,
            is_open=found.scan != "none" or counts.pending > 0,
        ),
        "shows": shows,
        "listed": listed,
        "names": user_names(call, {one.key for one in listed if one.kind == Kind.USER}),
        "resource_states": RESOURCE_STATES,
        "further": next_page(call, f"provisioning/{shows}", place_next),
    }


def _left_out(found: Provisioning) -> set[str]:
    return {"enable"} if found.disabled_at is None else {"disable", "resync", "retry"}


def _spelled(found: Provisioning | None) -> dict[str, str]:
    """Return the settings as the fields of the form have them."""
    settings = ProvisioningSettings() if found is None else ProvisioningSettings.of(found)
    return {
        "base_url": settings.base_url,
        "members_of": "\n".join(settings.members_of),
        "push_groups": "\n".join(settings.push_groups),
        "on_deletion": settings.on_deletion,
        "with_attributes": "on" if settings.with_attributes else "",
    }


def _parse(call: Call) -> dict[str, Any]:
    return {
        "base_url": call.form.text("base_url"),
        "members_of": call.form.text("members_of").split(),
        "push_groups": call.form.text("push_groups").split(),
        "on_deletion": call.form.text("on_deletion") or OnDeletion.DEACTIVATE.value,
        "with_attributes": bool(call.form.get("with_attributes")),
    }


def _in_words(name: str, text: str) -> Text | str:
    if name == "with_attributes":
        return Text("yes") if text else Text("no")
    return DELETIONS[OnDeletion(text)] if name == "on_deletion" else text


def _put(call: Call, client: Client) -> None:
    rules.put(call.work, client.client_id, _parse(call), token=call.form.text("token").strip() or None)


def _more(call: Call, operator: Operator, found: Provisioning | None, _typed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "deletions": [{"value": value.value, "label": label} for value, label in DELETIONS.items()],
        "needs_users": None if operator.may(Permission.USERS_READ) else rules.NEEDS_USERS,
        **({} if found is None else _state(call, found)),
    }


FORM = ConnectionForm[Provisioning](
    tab=TAB,
    template="admin/client_provisioning.html",
    labels=LABELS,
    event=Event.PROVISIONING_UPDATED,
    actions=ACTIONS,
    left_out=_left_out,
    find=store.find,
    lock=store.lock,
    spelled=_spelled,
    in_words=_in_words,
    put=_put,
    require_permissions=rules.require_permissions,
    refused=(InvalidProvisioning, MorePermissions),
    more=_more,
)


@endpoint
def show_provisioning(call: Call) -> Response:
    """Show provisioning of a client: GET /admin/clients/client/provisioning?client_id=&show=."""
    return FORM.show(call)


@endpoint
def save_provisioning(call: Call) -> Response:
    """Save the form: POST to the same URL."""
    return FORM.save(call)
