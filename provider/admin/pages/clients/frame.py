"""The frame of an application's pages in the console: its name, its state, the actions, and the tabs."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.client_groups import GROUPS, fitting
from provider.admin.guards import Operator, operator_of, require_operator
from provider.admin.pages.actions import Subject, available, done_message
from provider.admin.pages.clients.actions import ACTIONS
from provider.oauth.clients import clients
from provider.oauth.clients.clients import Client, NoSuchClient
from provider.operators import authority
from provider.operators.presets import PRESETS, preset_of
from provider.web.call import Call
from provider.web.pages import page

PATH = "/admin/clients"
NEEDS = Permission.APPLICATIONS_WRITE
"""The permission for everything that changes an application."""


def find_client(call: Call, operator: Operator) -> Subject[Client]:
    """Return the client named by the query, as a Subject. Raises NoSuchClient."""
    client = clients.find_client(call.work, call.query.get("client_id", ""))
    if client is None:
        raise NoSuchClient
    problem = authority.problem_with_application(operator.permissions, client.metadata)
    return Subject(client.name, url_of(client.client_id), client, operator, problem)


def find_client_to_change(call: Call) -> Subject[Client]:
    """Return the client named by the query, for an operator who may change it. Raises NoSuchClient, RoleRequired or
    MorePermissions.
    """
    subject = find_client(call, require_operator(call, NEEDS))
    subject.require_possible()
    return subject


def url_of(client_id: str, tab: str = "", **query: str) -> str:
    """Return the URL of a client's page, or of one of its tabs. The client_id is in the query, as it may contain any
    printable character.
    """
    part = f"/{tab}" if tab else ""
    return f"{PATH}/client{part}?{urlencode({'client_id': client_id, **query})}"


def client_page(
    call: Call, client: Client, template: str, *, tab: str, status_code: int = 200, **context: Any
) -> Response:
    """Render a page of the client. `tab` is the part that it belongs to."""
    kind, operator = preset_of(client.metadata), operator_of(call)
    problem = authority.problem_with_application(operator.permissions, client.metadata)
    may_change = operator.may(NEEDS) and problem is None
    return page(
        call,
        template,
        status_code=status_code,
        client=client,
        url=url_of(client.client_id),
        tab=tab,
        kind=kind,
        kind_name=PRESETS[kind].name,
        actions=available(ACTIONS, client, NEEDS, operator) if may_change else {},
        may_change=may_change,
        more_permissions=problem if operator.may(NEEDS) else None,
        done=context.pop("done", None) or done_message(call, ACTIONS),
        just_changed="changed" in call.query,
        **context,
    )


def setting_groups(call: Call, client: Client) -> list[tuple[str, str, str]]:
    """Return the groups that have settings for this client: key, URL and title of each."""
    return [
        (key, url_of(client.client_id, "settings", group=key), group.title)
        for key, group in GROUPS.items()
        if fitting(group.names, client.metadata, call.settings)
    ]
