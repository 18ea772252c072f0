"""The client pages of the console: search, register by kind, show and edit."""

from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin import authority, client_form
from provider.admin.authority import MorePermissions
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import ShownOnce, Subject, action_endpoint, available, done_message, run_once
from provider.admin.pages.clients.actions import ACTIONS
from provider.admin.pages.event_list import event_list
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.admin.presets import PRESETS, Preset, preset_of
from provider.audit import store as audit
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.crypto.digests import new_handle
from provider.languages.text import Text
from provider.oauth.clients import client_search, clients
from provider.oauth.clients.clients import Client, NoSuchClient
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.refusals import NotFound, Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/clients"
NEEDS = Permission.APPLICATIONS_WRITE
"""The permission for everything that changes an application."""
EXAMPLE_REDIRECT = "http://localhost:3000/callback"
"""The redirect URI in the snippets of a client that has none."""
CLIENT_EVENTS = [event for event in Event if event.startswith("client.")]
LATEST = 20
"""How many events are shown on an application's page. The audit log has all of them."""


@endpoint
def list_clients(call: Call) -> Response:
    """List clients by name: GET /admin/clients?q=. The search finds one by its client_id, or several by the beginning
    of the name.
    """
    require_operator(call, Permission.APPLICATIONS_READ)
    asked, place = call.query.text("q"), place_on(call, "clients")
    one = clients.find_client(call.work, asked) if asked else None
    after = None if place is None else (place[0], place[1])
    found, further = ([one], None) if one else client_search.find_page(call.work, asked, after=after, limit=AT_ONCE)
    kinds = [(client, PRESETS[preset_of(client.metadata)].name) for client in found]
    return page(
        call,
        "admin/clients.html",
        q=asked,
        found=kinds,
        further=next_page(call, "clients", further),
        done=done_message(call, ACTIONS),
    )


@endpoint
def show_new_client(call: Call) -> Response:
    """Ask which kind of client to register: GET /admin/clients/new. With `preset`, show the form of that kind."""
    require_operator(call, NEEDS)
    if "preset" not in call.query:
        return page(call, "admin/new_client.html", presets=PRESETS)
    preset = _preset(call)
    return _new(call, preset, client_form.members(preset.asks, ClientMetadata(**preset.metadata)))


@endpoint
def create_client(call: Call) -> Response:
    operator = require_operator(call, NEEDS)
    preset, typed = _preset(call), call.form

    def make() -> ShownOnce:
        metadata = parse_metadata({**preset.metadata, **client_form.parse(preset.asks, typed)})
        authority.require_application(operator.permissions, metadata)
        client, secret = clients.create_client(call.work, metadata)
        return ShownOnce(
            title=Text("Application registered"),
            told=Text("Copy the secret now and share it securely with the developer. You can't see it again."),
            values={"client_id": client.client_id, **({} if secret is None else {"client_secret": secret})},
        )

    try:
        shown = run_once(call, operator, make)
    except (InvalidMetadata, MorePermissions) as refusal:
        return _new(call, preset, client_form.typed_members(preset.asks, typed), refusal)
    assert shown is not None  # noqa: S101  # it always makes something
    client_id = shown.values["client_id"]
    if "client_secret" not in shown.values:
        return go(f"{url_of(client_id)}&created=yes")
    subject = Subject(typed.text("client_name") or client_id, url_of(client_id), None, operator)
    return page(call, "admin/shown_once.html", here="clients", subject=subject, shown=shown)


@endpoint
def show_client(call: Call) -> Response:
    """Show one client, the actions available, and how its code uses it: GET /admin/clients/client?client_id=."""
    operator = require_operator(call, Permission.APPLICATIONS_READ)
    subject = find_client(call, operator)
    client = subject.value
    metadata = client.metadata
    return page(
        call,
        "admin/client.html",
        client=client,
        url=url_of(client.client_id),
        kind=PRESETS[preset_of(metadata)].name,
        preset=preset_of(metadata),
        groups=_groups(metadata),
        secret_count=len(client.secrets),
        actions=available(ACTIONS, client, NEEDS, operator) if subject.problem is None else {},
        may_edit=operator.may(NEEDS) and subject.problem is None,
        problem=subject.problem if operator.may(NEEDS) else None,
        **event_list(call.work, _latest_events(call, operator, client)),
        issuer=call.settings.issuer,
        redirect=urlsplit((*metadata.redirect_uris, EXAMPLE_REDIRECT)[0]),
        done=done_message(call, ACTIONS),
        just_created="created" in call.query,
        just_changed="changed" in call.query,
    )


def _latest_events(call: Call, operator: Operator, client: Client) -> list[AuditEvent]:
    """Return the latest events of a client: all of them, or for an operator who can't see users those about the client
    itself.
    """
    names = None if operator.may(Permission.USERS_READ) else CLIENT_EVENTS
    return audit.find(call.work.read, client_id=client.client_id, names=names, limit=LATEST)


def find_client(call: Call, operator: Operator) -> Subject[Client]:
    """Return the client named by the query, as a Subject. Raises NoSuchClient."""
    client = clients.find_client(call.work, call.query.get("client_id", ""))
    if client is None:
        raise NoSuchClient
    problem = authority.problem_with_application(operator.permissions, client.metadata)
    return Subject(client.name, url_of(client.client_id), client, operator, problem)


act_on_client = action_endpoint(find_client, ACTIONS, here="clients", needs=NEEDS)


def url_of(client_id: str) -> str:
    """Return the URL of a client's page. The client_id is in the query, as it may contain any printable character."""
    return f"{PATH}/client?{urlencode({'client_id': client_id})}"


def _preset(call: Call) -> Preset:
    preset = PRESETS.get(call.query.get("preset", ""))
    if preset is None:
        raise NotFound
    return preset


def _groups(metadata: ClientMetadata) -> list[tuple[Text, list[client_form.Member]]]:
    """Return the metadata that differs from the defaults, in titled groups."""
    said = ClientMetadata().differences(metadata).keys() | {"client_name", "redirect_uris", "grant_types", "scope"}
    groups = (
        (title, client_form.members([name for name in names if name in said], metadata))
        for title, names in client_form.GROUPS
    )
    return [(title, members) for title, members in groups if members]


def _new(call: Call, preset: Preset, members: list[client_form.Member], refusal: Refusal | None = None) -> Response:
    return page(
        call,
        "admin/new_client_form.html",
        status_code=200 if refusal is None else refusal.status_code,
        preset=preset,
        members=members,
        idempotency_key=new_handle(),
        errors=_errors(refusal, preset),
    )


def _errors(refusal: Refusal | None, preset: Preset) -> dict[str, str]:
    if refusal is None:
        return {}
    name = client_form.member_of(refusal, preset.asks) if isinstance(refusal, InvalidMetadata) else ""
    return {name: refusal.message}
