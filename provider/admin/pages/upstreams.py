"""The upstream providers in the console (docs/guides/upstream.md): list, add, change, disable and delete."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    InvalidInput,
    Subject,
    action_endpoint,
    available,
    done_message,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record
from provider.admin.pages.upstream_form import (
    CHOICES,
    INPUTS,
    field_of,
    inputs_for,
    needed,
    preset_name,
    typed_settings,
)
from provider.audit.events import Event
from provider.database.base import parse_id
from provider.federation import managed
from provider.federation.managed import InvalidSettings, NoSuchUpstream
from provider.federation.signals import verification
from provider.federation.store import signal_states
from provider.languages.text import Text
from provider.saved_settings.upstreams import SavedUpstream, find_all, lock
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/upstreams"
NEEDS = Permission.APPLICATIONS_TRUST


def _edit(call: Call, subject: Subject[SavedUpstream]) -> None:
    upstream_id = subject.value.id
    lock(call.work.db, upstream_id)
    require_version_seen(call, _version(managed.find(call.work, upstream_id)))
    try:
        given, position = typed_settings(call, subject.value.settings.get("preset", ""))
        managed.update(call.work, upstream_id, given, position=position)
    except InvalidSettings as invalid:
        raise InvalidInput(field_of(invalid), str(invalid)) from None


def _version(row: SavedUpstream) -> object:
    return [row.settings, row.position, row.sealed_secret[-12:]]


def _test_signals(call: Call, subject: Subject[SavedUpstream]) -> None:
    verification.request_for(call.work, subject.value.key)


def _disable(call: Call, subject: Subject[SavedUpstream]) -> None:
    managed.disable(call.work, subject.value.id)


def _enable(call: Call, subject: Subject[SavedUpstream]) -> None:
    managed.enable(call.work, subject.value.id)


def _delete(call: Call, subject: Subject[SavedUpstream]) -> None:
    managed.delete(call.work, subject.value.id)


ACTIONS: Actions[SavedUpstream] = {
    "edit": Action(
        title=Text("Edit upstream provider"),
        button=Text("Save"),
        means=(Text("Changes apply to the next sign-in. The key of a provider can't be changed."),),
        done=Text("Upstream provider updated."),
        do=_edit,
        inputs=INPUTS,
        edits=Edit(_version, lambda row: Record(Event.UPSTREAM_UPDATED, detail=("upstream", row.key))),
    ),
    "test-signals": Action(
        title=Text("Test shared signals"),
        button=Text("Request a test signal"),
        means=(
            Text("The provider is asked to send a test signal. It arrives within seconds."),
            Text("If the provider has no stream that leads here, it is created."),
        ),
        done=Text("Test signal requested. The list shows when it arrives."),
        do=_test_signals,
        is_available=lambda row: bool(row.settings.get("receives_signals")) and row.disabled_at is None,
    ),
    "disable": Action(
        title=Text("Disable upstream provider"),
        button=Text("Disable"),
        means=(
            Text("Users can no longer sign in with it, and its button disappears."),
            Text("Linked accounts stay linked. Sessions continue until they end."),
            Text("Stored tokens of the provider are removed."),
        ),
        done=Text("Upstream provider disabled."),
        do=_disable,
        is_available=lambda row: row.disabled_at is None,
    ),
    "enable": Action(
        title=Text("Enable upstream provider"),
        button=Text("Enable"),
        means=(Text("Users can sign in with it again."),),
        done=Text("Upstream provider enabled."),
        do=_enable,
        is_available=lambda row: row.disabled_at is not None,
    ),
    "delete": Action(
        title=Text("Delete upstream provider"),
        button=Text("Delete"),
        means=(
            Text("Users can no longer sign in with it. Users without another way to sign in are locked out."),
            Text("Linked accounts stay linked, in case you add the provider again."),
            Text("Stored tokens of the provider are removed."),
        ),
        done=Text("Upstream provider deleted."),
        do=_delete,
        danger=True,
    ),
}


@endpoint
def list_upstreams(call: Call) -> Response:
    """List the upstreams: GET /admin/upstreams."""
    operator = require_operator(call, Permission.APPLICATIONS_READ)
    of_file = managed.of_file(call.work)
    in_file = {one.key for one in of_file}
    saved = [
        {
            "row": row,
            "settings": managed.read(call.work.vault, row),
            "in_file": row.key in in_file,
            "uris": managed.uris_to_register(call.settings, row.key, preset=row.settings.get("preset")),
            "signals": signal_states.find(call.work.read, row.key),
            "actions": available(ACTIONS, row, NEEDS, operator),
        }
        for row in find_all(call.work.read)
    ]
    return page(
        call,
        "admin/upstreams.html",
        saved=saved,
        of_file=[
            (
                one,
                signal_states.find(call.work.read, one.key),
                managed.uris_to_register(call.settings, one.key, preset=one.preset),
            )
            for one in of_file
        ],
        done=Text("Upstream provider added.") if "added" in call.query else done_message(call, ACTIONS),
    )


@endpoint
def show_new_upstream(call: Call) -> Response:
    """Show the list of presets, or the form of one: GET /admin/upstreams/new?preset=."""
    require_operator(call, NEEDS)
    return _new(call, call.query.text("preset"))


@endpoint
def create_upstream(call: Call) -> Response:
    """Add an upstream: POST /admin/upstreams/new?preset=."""
    require_operator(call, NEEDS)
    chosen = call.query.text("preset")
    if chosen not in CHOICES:
        return _new(call, chosen)
    try:
        given, position = typed_settings(call, preset_name(chosen))
        managed.create(call.work, call.form.text("key").strip(), given, position=position)
    except InvalidSettings as invalid:
        return _new(call, chosen, errors={field_of(invalid): str(invalid)})
    return go(f"{PATH}?added=yes")


def find_upstream(call: Call, operator: Operator) -> Subject[SavedUpstream]:
    """Return the upstream named by the path, as a Subject. Raises NoSuchUpstream."""
    upstream_id = parse_id(call.path_params["upstream_id"])
    if upstream_id is None:
        raise NoSuchUpstream
    row = managed.find(call.work, upstream_id)
    return Subject(row.key, PATH, row, operator)


act_on_upstream = action_endpoint(find_upstream, ACTIONS, here="upstreams", needs=NEEDS)


def _new(call: Call, chosen: str, *, errors: dict[str, str] | None = None) -> Response:
    inputs = inputs_for(preset_name(chosen), now=call.work.now) if chosen in CHOICES else []
    return page(
        call,
        "admin/new_upstream.html",
        status_code=400 if errors else 200,
        presets=CHOICES,
        preset=chosen if chosen in CHOICES else None,
        inputs=inputs,
        needed=needed(preset_name(chosen)),
        uris=managed.uris_to_register(call.settings, "KEY", preset=chosen),
        typed={"key": call.form.text("key")} | {one.name: call.form.text(one.name) for one in inputs} | {"secret": ""},
        errors=errors or {},
    )
