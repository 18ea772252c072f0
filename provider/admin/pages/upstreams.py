"""The upstream providers in the console (docs/guides/upstream.md): list, add, change, disable and delete."""

from collections.abc import Mapping
from typing import Any

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
from provider.audit.events import Event
from provider.database.base import parse_id
from provider.federation import managed
from provider.federation.managed import InvalidSettings, NoSuchUpstream
from provider.federation.presets import PRESETS
from provider.languages.catalogs import Language
from provider.languages.text import Text
from provider.saved_upstreams import SavedUpstream, find_all, lock
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/upstreams"
NEEDS = Permission.APPLICATIONS_TRUST
LABELS: Mapping[str, Text] = {
    "name": Text("Name"),
    "issuer": Text("Issuer"),
    "client_id": Text("Client ID"),
    "secret": Text("Client secret or private key"),
    "team_id": Text("Team ID (Apple)"),
    "key_id": Text("Key ID (Apple)"),
    "scopes": Text("Scopes"),
    "hosted_domain": Text("Domain (Google)"),
    "tenant": Text("Tenant (Microsoft)"),
    "allowed_tenants": Text("Allowed tenants (Microsoft)"),
    "domains": Text("Domains"),
    "allowed_domains": Text("Domains of new users"),
    "claims": Text("Profile fields"),
    "roles_claim": Text("Claim with roles or groups"),
    "roles": Text("Roles"),
    "label": Text("Text of the button"),
    "position": Text("Position"),
    "trust_email_verified": Text("Email addresses"),
    "may_create_accounts": Text("New users"),
    "is_required_for_domains": Text("Users of the domains"),
}
"""The labels of the fields."""
HINTS: Mapping[str, Text] = {
    "name": Text("Leave it empty for a provider from the list."),
    "issuer": Text("Exactly as in its discovery document. Leave it empty for a provider from the list."),
    "scopes": Text("With a space between them."),
    "hosted_domain": Text("Only users of this Google Workspace domain can sign in."),
    "tenant": Text("The ID of your tenant, or common, organizations or consumers."),
    "allowed_tenants": Text("With a space between them."),
    "domains": Text("Who types an address of these domains is sent to this provider."),
    "allowed_domains": Text("Accounts are created only for addresses of these domains."),
    "claims": Text("With a space between them, as field=claim, for example nickname=login."),
    "roles_claim": Text("Its values give roles at each sign-in."),
    "roles": Text("With a space between them, as value=role, for example editors=editor."),
    "position": Text("Buttons are sorted by this number."),
}
KEPT_SECRET = Text("Leave it empty to keep the current one.")
LISTS = ("scopes", "allowed_tenants", "domains", "allowed_domains")
TABLES = ("claims", "roles")
REQUIRED: Mapping[str, Text] = {
    "": Text("Users of the domains can also sign in here"),
    "on": Text("Users of the domains can sign in only there"),
}
TRUST: Mapping[str, Text] = {
    "": Text("Trust them as the provider's preset says"),
    "claimed": Text("Trust an address that the provider calls verified"),
    "all": Text("Trust every address from the provider"),
    "none": Text("Trust no address from the provider"),
}
"""What `trust_email_verified` and `verifies_email_addresses` are together."""
CREATE: Mapping[str, Text] = {
    "": Text("Link an account they already have"),
    "on": Text("Create an account"),
    "refuse": Text("Turn them away"),
}
IN_FORM = (
    *("name", "issuer", "client_id", "team_id", "key_id", "scopes", "hosted_domain", "tenant", "allowed_tenants"),
    *("domains", "allowed_domains", "claims", "roles_claim", "roles"),
)


def _trust_options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in TRUST.items()]


def _create_options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in CREATE.items()]


def _required_options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in REQUIRED.items()]


def _presets() -> list[dict[str, str]]:
    named = [{"value": name, "label": preset.name} for name, preset in PRESETS.items()]
    return [*named, {"value": "", "label": Text("Another OpenID Provider")}]


def _typed(call: Call, preset: str) -> tuple[dict[str, Any], int | None]:
    """Return the settings in the form, and the position. Raises InvalidSettings."""
    text = {name: call.form.text(name).strip() for name in (*IN_FORM, "label", "secret", "position")}
    given: dict[str, Any] = {name: text[name] for name in (*IN_FORM, "label")} | {"preset": preset}
    given |= {name: text[name].split() for name in LISTS}
    given |= {name: _pairs(name, text[name]) for name in TABLES}
    given["private_key" if preset == "apple" else "client_secret"] = text["secret"]
    trust = call.form.get("trust_email_verified", "")
    if trust:
        given["trust_email_verified"] = trust == "claimed"
    if trust == "all":
        given["verifies_email_addresses"] = True
    unknown = call.form.get("may_create_accounts", "")
    if unknown:
        given["may_create_accounts" if unknown == "on" else "refuses_unknown_users"] = True
    if call.form.get("is_required_for_domains"):
        given["is_required_for_domains"] = True
    if text["position"] and not text["position"].isdecimal():
        raise InvalidSettings([("position", f"must be 0 to {managed.LARGEST_POSITION}")])
    return given, int(text["position"]) if text["position"] else None


def _pairs(name: str, text: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in text.split()]
    if not all(before and separator and after for before, separator, after in pairs):
        raise InvalidSettings([(name, "must be pairs with an equals sign, and a space between them")])
    return {before: after for before, _, after in pairs}


def _field(problem: InvalidSettings) -> str:
    """Return the field of the form that a problem is about."""
    if problem.name in {"client_secret", "private_key"}:
        return "secret"
    return "trust_email_verified" if problem.name == "verifies_email_addresses" else problem.name


def _edit(call: Call, subject: Subject[SavedUpstream]) -> None:
    upstream_id = subject.value.id
    lock(call.work.db, upstream_id)
    require_version_seen(call, _version(managed.find(call.work, upstream_id)))
    try:
        given, position = _typed(call, subject.value.settings.get("preset", ""))
        managed.update(call.work, upstream_id, given, position=position)
    except InvalidSettings as invalid:
        raise InvalidInput(_field(invalid), str(invalid)) from None


def _version(row: SavedUpstream) -> object:
    return [row.settings, row.position, row.sealed_secret[-12:]]


def _shown(name: str) -> Any:
    def shown(row: SavedUpstream) -> str:
        value = row.settings.get(name, "")
        if isinstance(value, dict):
            return " ".join(f"{before}={after}" for before, after in value.items())
        return " ".join(value) if isinstance(value, list) else str(value)

    return shown


def _shown_trust(row: SavedUpstream) -> str:
    if row.settings.get("verifies_email_addresses"):
        return "all"
    return {None: "", True: "claimed", False: "none"}[row.settings.get("trust_email_verified")]


def _shown_creation(row: SavedUpstream) -> str:
    if row.settings.get("may_create_accounts"):
        return "on"
    return "refuse" if row.settings.get("refuses_unknown_users") else ""


def _text(name: str) -> Input[SavedUpstream]:
    return Input(name, LABELS[name], HINTS.get(name), shown=_shown(name))


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
            _text("client_id"),
            Input("secret", LABELS["secret"], KEPT_SECRET),
            *(_text(name) for name in ("name", "label", "issuer", "team_id", "key_id", "scopes")),
            *(_text(name) for name in ("hosted_domain", "tenant", "allowed_tenants", "domains")),
            Input(
                "is_required_for_domains",
                LABELS["is_required_for_domains"],
                shown=lambda row: "on" if row.settings.get("is_required_for_domains") else "",
                options=_required_options,
            ),
            *(_text(name) for name in ("allowed_domains", "claims", "roles_claim", "roles")),
            Input(
                "trust_email_verified",
                LABELS["trust_email_verified"],
                shown=_shown_trust,
                options=_trust_options,
            ),
            Input(
                "may_create_accounts",
                LABELS["may_create_accounts"],
                shown=_shown_creation,
                options=_create_options,
            ),
            Input("position", LABELS["position"], HINTS["position"], shown=lambda row: str(row.position)),
        ),
        edits=Edit(_version, lambda row: Record(Event.UPSTREAM_UPDATED, detail=("upstream", row.key))),
    ),
    "disable": Action(
        title=Text("Disable upstream provider"),
        button=Text("Disable"),
        means=(
            Text("Users can no longer sign in with it, and its button disappears."),
            Text("Linked accounts stay linked. Sessions go on until they end."),
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
        given, position = _typed(call, call.form.get("preset", ""))
        managed.create(call.work, call.form.text("key").strip(), given, position=position)
    except InvalidSettings as invalid:
        return _list(call, operator, errors={_field(invalid): str(invalid)})
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
            "redirect_uri": managed.redirect_uri(call.settings, row.key),
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
        "is_required_for_domains",
    )
    typed = {name: call.form.text(name) for name in fields} if errors else dict.fromkeys(fields, "")
    typed["preset"] = typed["preset"] if errors else "google"
    return page(
        call,
        "admin/upstreams.html",
        status_code=400 if errors else 200,
        saved=saved,
        of_file=[(one, managed.redirect_uri(call.settings, one.key)) for one in of_file],
        presets=_presets(),
        trust=_trust_options(call.language, ""),
        create=_create_options(call.language, ""),
        required=_required_options(call.language, ""),
        redirect_uri=managed.redirect_uri(call.settings, "KEY"),
        labels=LABELS,
        hints=HINTS,
        typed=typed,
        done=Text("Upstream provider added.") if "added" in call.query else done_message(call, ACTIONS),
        errors=errors or {},
    )
