"""The list of applications in the console, and the registration of a new one by its kind."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin import client_form
from provider.admin.guards import require_operator
from provider.admin.pages.actions import ShownOnce, Subject, action_endpoint, done_message, run_once
from provider.admin.pages.clients.actions import ACTIONS
from provider.admin.pages.clients.frame import NEEDS, find_client, url_of
from provider.admin.pages.lists import export_page, list_page
from provider.crypto.digests import new_handle
from provider.languages.text import Text
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.operators import authority
from provider.operators.authority import MorePermissions
from provider.operators.lists.clients import CLIENTS
from provider.operators.presets import PRESETS, Preset
from provider.refusals import NotFound, Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint
def list_clients(call: Call) -> Response:
    """List clients: GET /admin/clients?q=. The search finds one by its client_id, or several by their names. The
    filters, the order and the columns are those of `lists.clients`.
    """
    require_operator(call, Permission.APPLICATIONS_READ)
    return list_page(
        call,
        CLIENTS,
        "admin/clients.html",
        in_context=lambda _rows: {"kinds_of_clients": PRESETS, "done": done_message(call, ACTIONS)},
    )


@endpoint
def export_clients(call: Call) -> Response:
    """Download the applications that match as CSV: GET /admin/clients/export.csv."""
    require_operator(call, Permission.APPLICATIONS_READ)
    return export_page(call, CLIENTS)


@endpoint
def show_new_client(call: Call) -> Response:
    """Ask which kind of client to register: GET /admin/clients/new. With `preset`, show the form of that kind."""
    require_operator(call, NEEDS)
    if "preset" not in call.query:
        return page(call, "admin/new_client.html", presets=PRESETS)
    preset = _preset(call)
    return _new(call, preset, client_form.members(preset.asks, _start(preset), call.settings))


@endpoint
def create_client(call: Call) -> Response:
    operator = require_operator(call, NEEDS)
    preset, typed = _preset(call), call.form

    def make() -> ShownOnce:
        metadata = parse_metadata({**preset.metadata, **client_form.parse(preset.asks, typed, _start(preset))})
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
        members = client_form.typed_members(preset.asks, typed, _start(preset), call.settings)
        return _new(call, preset, members, refusal)
    assert shown is not None  # noqa: S101  # it always makes something
    client_id = shown.values["client_id"]
    if "client_secret" not in shown.values:
        return go(f"{url_of(client_id)}&created=yes")
    subject = Subject(typed.text("client_name") or client_id, url_of(client_id), None, operator)
    return page(call, "admin/shown_once.html", here="clients", subject=subject, shown=shown)


act_on_client = action_endpoint(find_client, ACTIONS, here="clients", needs=NEEDS)


def _preset(call: Call) -> Preset:
    preset = PRESETS.get(call.query.get("preset", ""))
    if preset is None:
        raise NotFound
    return preset


def _start(preset: Preset) -> ClientMetadata:
    """Return the metadata that the form of a new client starts with."""
    return ClientMetadata(**{**preset.metadata, "scope": preset.scope})


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
