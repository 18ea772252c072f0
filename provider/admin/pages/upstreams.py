"""The upstream providers in the console (docs/guides/upstream.md): list, add, change, disable and delete."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    Input,
    InvalidInput,
    Subject,
    action_endpoint,
    available,
    done_message,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record
from provider.admin.pages.upstream_form import (
    HINTS,
    IN_FORM,
    KEPT_SECRET,
    LABELS,
    OF_DIRECTORY,
    SWITCHES,
    create_options,
    field_of,
    presets,
    shown_creation,
    shown_trust,
    switch_input,
    switch_options,
    text_input,
    trust_options,
    typed_settings,
)
from provider.audit.events import Event
from provider.database.base import parse_id
from provider.federation import managed
from provider.federation.managed import InvalidSettings, NoSuchUpstream
from provider.federation.signals import verification
from provider.federation.store import signal_states
from provider.languages.text import Text
from provider.saved_upstreams import SavedUpstream, find_all, lock
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
        inputs=(
            text_input("client_id"),
            Input("secret", LABELS["secret"], KEPT_SECRET),
            *(text_input(name) for name in ("name", "label", "issuer", "team_id", "key_id", "scopes")),
            *(text_input(name) for name in ("hosted_domain", "tenant", "allowed_tenants", "domains")),
            switch_input("is_required_for_domains"),
            *(text_input(name) for name in ("allowed_domains", "claims")),
            switch_input("updates_profile"),
            *(text_input(name) for name in ("roles_claim", "roles", "groups_claim", "groups")),
            switch_input("signs_out_there"),
            switch_input("receives_signals"),
            *(text_input(name) for name in ("signals_configuration", "signals_audiences")),
            *(text_input(name) for name in OF_DIRECTORY),
            switch_input("start_tls"),
            Input(
                "trust_email_verified",
                LABELS["trust_email_verified"],
                shown=shown_trust,
                options=trust_options,
            ),
            Input(
                "may_create_accounts",
                LABELS["may_create_accounts"],
                shown=shown_creation,
                options=create_options,
            ),
            switch_input("store_tokens"),
            text_input("token_scopes"),
            Input("position", LABELS["position"], HINTS["position"], shown=lambda row: str(row.position)),
        ),
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
    return _list(call, require_operator(call, Permission.APPLICATIONS_READ))


@endpoint
def create_upstream(call: Call) -> Response:
    """Add an upstream: POST /admin/upstreams."""
    operator = require_operator(call, NEEDS)
    try:
        given, position = typed_settings(call, call.form.get("preset", ""))
        managed.create(call.work, call.form.text("key").strip(), given, position=position)
    except InvalidSettings as invalid:
        return _list(call, operator, errors={field_of(invalid): str(invalid)})
    return go(f"{PATH}?added=yes")


def find_upstream(call: Call, operator: Operator) -> Subject[SavedUpstream]:
    """Return the upstream named by the path, as a Subject. Raises NoSuchUpstream."""
    upstream_id = parse_id(call.path_params["upstream_id"])
    if upstream_id is None:
        raise NoSuchUpstream
    row = managed.find(call.work, upstream_id)
    return Subject(row.key, PATH, row, operator)


act_on_upstream = action_endpoint(find_upstream, ACTIONS, here="upstreams", needs=NEEDS)


def _list(call: Call, operator: Operator, *, errors: dict[str, str] | None = None) -> Response:
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
    fields = (
        *IN_FORM,
        "key",
        "preset",
        "label",
        "position",
        "trust_email_verified",
        "may_create_accounts",
        *SWITCHES,
    )
    typed = {name: call.form.text(name) for name in fields} if errors else dict.fromkeys(fields, "")
    typed["preset"] = typed["preset"] if errors else "google"
    return page(
        call,
        "admin/upstreams.html",
        status_code=400 if errors else 200,
        saved=saved,
        of_file=[
            (
                one,
                signal_states.find(call.work.read, one.key),
                managed.uris_to_register(call.settings, one.key, preset=one.preset),
            )
            for one in of_file
        ],
        presets=presets(),
        trust=trust_options(call.language, ""),
        create=create_options(call.language, ""),
        switches={name: switch_options(name) for name in SWITCHES},
        of_directory=OF_DIRECTORY,
        uris=managed.uris_to_register(call.settings, "KEY"),
        labels=LABELS,
        hints=HINTS,
        typed=typed,
        done=Text("Upstream provider added.") if "added" in call.query else done_message(call, ACTIONS),
        errors=errors or {},
    )
