"""The form of an upstream provider in the console: the fields that its preset has, and the settings that were typed."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from provider.admin.pages.actions import Input
from provider.admin.pages.upstream_labels import CREATE, HINTS, KEPT_SECRET, LABELS, SECRET_LABELS, SWITCHES, TRUST
from provider.federation import managed
from provider.federation.managed import InvalidSettings
from provider.federation.presets import (
    APPLE,
    DIRECTORIES,
    OF_PROVIDERS,
    ONLY_SOME,
    PRESETS,
    preset_of,
    secret_name,
)
from provider.federation.upstream_settings import SECRETS
from provider.languages.text import Text
from provider.saved_settings.upstreams import SavedUpstream
from provider.web.call import Call

OTHER = "other"
"""Stands for no preset: any other OpenID Provider."""
CHOICES: Mapping[str, str] = {
    **{name: preset.name for name, preset in PRESETS.items()},
    OTHER: Text("Another OpenID Provider"),
}
"""The providers that can be added, by the name of their preset."""
LISTS = ("signals_audiences", "scopes", "token_scopes", "allowed_tenants", "domains", "allowed_domains", "servers")
TABLES = ("claims", "roles", "groups")
OF_SIGNALS = ("receives_signals", "signals_configuration", "signals_audiences")
TEXTS = (
    *("name", "issuer", "client_id", "team_id", "key_id", "scopes", "hosted_domain", "tenant", "allowed_tenants"),
    *("domains", "allowed_domains", "claims", "roles_claim", "roles", "groups_claim", "groups", "token_scopes"),
    *("servers", "ca_file", "bind_dn", "base_dn", "user_filter", "subject_attribute", "email_attribute"),
    *("signals_configuration", "signals_audiences", "group_base_dn", "group_filter", "label"),
)
"""The settings that are typed, apart from the secret."""


def preset_name(chosen: str) -> str:
    """Return the preset in the settings of a provider that was chosen from the list: "" for any other."""
    return "" if chosen == OTHER else chosen


def needed(preset: str) -> set[str]:
    """Return the text fields that cannot be left empty."""
    if preset in DIRECTORIES:
        return {"servers", "bind_dn", "base_dn", "secret"}
    if preset == APPLE:
        return {"client_id", "secret", "team_id", "key_id"}
    return {"client_id", "secret", *(() if preset else ("name", "issuer"))}


def takes(preset: str, name: str) -> bool:
    """Return whether a provider with this preset has a setting. One that only a later release knows counts as none."""
    of_preset = PRESETS.get(preset) or preset_of(None)
    if name in ONLY_SOME:
        return name in of_preset.takes
    if name == "signs_out_there":
        return of_preset.is_oidc
    return not of_preset.is_directory or name not in {*OF_PROVIDERS, *OF_SIGNALS, "store_tokens", "token_scopes"}


def typed_settings(call: Call, preset: str) -> tuple[dict[str, Any], int | None]:
    """Return the settings in the form, and the position. Raises InvalidSettings."""
    text = {name: call.form.text(name) for name in (*TEXTS, "secret", "position")}
    given: dict[str, Any] = {name: text[name] for name in TEXTS} | {"preset": preset}
    given |= {name: text[name].split() for name in LISTS}
    given |= {name: _pairs(name, text[name]) for name in TABLES}
    given[secret_name(preset)] = text["secret"]
    trust = call.form.get("trust_email_verified", "")
    if trust and preset not in DIRECTORIES:
        given["trust_email_verified"] = trust == "claimed"
    if trust == "all":
        given["verifies_email_addresses"] = True
    unknown = call.form.get("may_create_accounts", "")
    if unknown:
        given["may_create_accounts" if unknown == "on" else "refuses_unknown_users"] = True
    given |= {name: True for name in SWITCHES if call.form.get(name)}
    if text["position"] and not text["position"].isdecimal():
        raise InvalidSettings([("position", f"must be 0 to {managed.LARGEST_POSITION}")])
    return given, int(text["position"]) if text["position"] else None


def _pairs(name: str, text: str) -> dict[str, str]:
    pairs = [one.partition("=") for one in text.split()]
    if not all(before and separator and after for before, separator, after in pairs):
        raise InvalidSettings([(name, "must be pairs with an equals sign, and a space between them")])
    return {before: after for before, _, after in pairs}


def field_of(problem: InvalidSettings) -> str:
    """Return the field of the form that a problem is about."""
    if problem.name in SECRETS:
        return "secret"
    return "trust_email_verified" if problem.name == "verifies_email_addresses" else problem.name


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


def _preset_of(row: SavedUpstream) -> str:
    return row.settings.get("preset") or ""


def _has(name: str) -> Callable[[SavedUpstream], bool]:
    return lambda row: takes(_preset_of(row), name) or bool(row.settings.get(name))


def _text(name: str) -> Input[SavedUpstream]:
    return Input(name, LABELS[name], HINTS.get(name), shown=_shown(name), is_available=_has(name))


def _secret(member: str) -> Input[SavedUpstream]:
    return Input(
        "secret",
        SECRET_LABELS[member],
        KEPT_SECRET,
        kind="lines",
        is_available=lambda row: secret_name(_preset_of(row)) == member,
    )


def _switch(name: str) -> Input[SavedUpstream]:
    return Input(
        name,
        LABELS[name],
        shown=lambda row: "on" if row.settings.get(name) else "",
        options=lambda _language, _chosen: _options(SWITCHES[name]),
        is_available=_has(name),
    )


def _trust(*, of_directories: bool) -> Input[SavedUpstream]:
    """Return the choice of which email addresses are trusted. A directory does not say which ones it verified."""
    options = {value: label for value, label in TRUST.items() if not of_directories or value in {"", "all"}}
    return Input(
        "trust_email_verified",
        LABELS["trust_email_verified"],
        shown=_shown_trust,
        options=lambda _language, _chosen: _options(options),
        is_available=lambda row: (_preset_of(row) in DIRECTORIES) == of_directories,
    )


def _options(labels: Mapping[str, Text]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in labels.items()]


INPUTS: tuple[Input[SavedUpstream], ...] = (
    *(_text(name) for name in ("client_id", "team_id", "key_id", "servers")),
    _switch("start_tls"),
    *(_text(name) for name in ("ca_file", "bind_dn")),
    *(_secret(member) for member in SECRET_LABELS),
    *(_text(name) for name in ("base_dn", "user_filter", "subject_attribute", "email_attribute")),
    *(_text(name) for name in ("group_base_dn", "group_filter", "issuer", "name")),
    *(_text(name) for name in ("hosted_domain", "tenant", "allowed_tenants")),
    Input(
        "may_create_accounts",
        LABELS["may_create_accounts"],
        shown=_shown_creation,
        options=lambda _language, _chosen: _options(CREATE),
    ),
    _trust(of_directories=False),
    _trust(of_directories=True),
    _text("domains"),
    _switch("is_required_for_domains"),
    *(_text(name) for name in ("allowed_domains", "claims")),
    _switch("updates_profile"),
    *(_text(name) for name in ("roles_claim", "roles", "groups_claim", "groups")),
    *(_text(name) for name in ("label", "scopes")),
    _switch("signs_out_there"),
    _switch("receives_signals"),
    *(_text(name) for name in ("signals_configuration", "signals_audiences")),
    _switch("store_tokens"),
    _text("token_scopes"),
    Input("position", LABELS["position"], HINTS["position"], shown=lambda row: str(row.position)),
)
"""The fields. Those that the preset of the provider has no use for are left out."""


def inputs_for(preset: str, *, now: datetime) -> list[Input[SavedUpstream]]:
    """Return the fields for a new provider with this preset."""
    new = SavedUpstream("", "", 0, {"preset": preset}, "", created_at=now, changed_at=now, disabled_at=None)
    return [one for one in INPUTS if one.is_available(new)]
