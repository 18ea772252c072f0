"""The form of an upstream provider in the console: its fields, and the settings that were typed."""

from collections.abc import Mapping
from typing import Any

from provider.admin.pages.actions import Input
from provider.federation import managed
from provider.federation.managed import InvalidSettings
from provider.federation.presets import DIRECTORIES, PRESETS, secret_name
from provider.federation.upstream_settings import SECRETS
from provider.languages.catalogs import Language
from provider.languages.text import Text
from provider.saved_upstreams import SavedUpstream
from provider.web.call import Call

LABELS: Mapping[str, Text] = {
    "name": Text("Name"),
    "issuer": Text("Issuer"),
    "client_id": Text("Client ID"),
    "secret": Text("Client secret, private key or password"),
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
    "groups_claim": Text("Claim with groups"),
    "groups": Text("Groups"),
    "label": Text("Text of the button"),
    "servers": Text("Servers (directory)"),
    "start_tls": Text("Encryption (directory)"),
    "ca_file": Text("CA file (directory)"),
    "bind_dn": Text("Bind DN (directory)"),
    "base_dn": Text("Base DN (directory)"),
    "user_filter": Text("User filter (directory)"),
    "subject_attribute": Text("ID attribute (directory)"),
    "email_attribute": Text("Email attribute (directory)"),
    "group_base_dn": Text("Group base DN (directory)"),
    "group_filter": Text("Group filter (directory)"),
    "position": Text("Position"),
    "trust_email_verified": Text("Email addresses"),
    "may_create_accounts": Text("New users"),
    "is_required_for_domains": Text("Users of the domains"),
    "updates_profile": Text("Profiles"),
    "signs_out_there": Text("Signing out"),
    "store_tokens": Text("Use by applications"),
    "token_scopes": Text("Scopes for applications"),
    "receives_signals": Text("Shared signals"),
    "signals_configuration": Text("Configuration URL of its signals"),
    "signals_audiences": Text("Other client IDs in its signals"),
}
"""The labels of the fields."""
HINTS: Mapping[str, Text] = {
    "name": Text("Leave it empty for a provider from the list."),
    "issuer": Text("Exactly as in its discovery document. Leave it empty for a provider from the list."),
    "scopes": Text("With a space between them."),
    "hosted_domain": Text("Only users of this Google Workspace domain can sign in."),
    "tenant": Text("The ID of your tenant, or common, organizations or consumers."),
    "allowed_tenants": Text("With a space between them."),
    "domains": Text("Users who type an address of these domains are sent to this provider."),
    "allowed_domains": Text("Accounts are created only for addresses of these domains."),
    "claims": Text(
        "With a space between them, as field=claim, for example nickname=login or attributes.department=dept."
    ),
    "roles_claim": Text("Its values give roles at each sign-in."),
    "roles": Text("With a space between them, as value=role, for example editors=editor."),
    "groups_claim": Text("Leave it empty to use the claim with roles or groups."),
    "groups": Text(
        "With a space between them, as value=group, for example editors=shop-editors. Enter *=* for groups of the same "
        "name."
    ),
    "token_scopes": Text("Asked for in addition if tokens are stored. With a space between them."),
    "signals_configuration": Text("Leave it empty to use that of the issuer."),
    "signals_audiences": Text("With a space between them."),
    "position": Text("Buttons are sorted by this number."),
    "servers": Text("With a space between them, like ldaps://ldap.example.com. If one is down, the next is used."),
    "ca_file": Text("A file on this server. Leave it empty for the certificates of the system."),
    "user_filter": Text("Leave it empty for the usual one. {email} stands for the address."),
    "subject_attribute": Text("Leave it empty for the usual one. Its value must never change."),
    "group_base_dn": Text("Only groups below it count. Leave it empty to use the base DN."),
    "group_filter": Text("Leave it empty to use memberOf. {dn} stands for the user's DN."),
}
KEPT_SECRET = Text("Leave it empty to keep the current one.")
LISTS = ("signals_audiences", "scopes", "token_scopes", "allowed_tenants", "domains", "allowed_domains", "servers")
TABLES = ("claims", "roles", "groups")
OF_DIRECTORY = (
    *("servers", "ca_file", "bind_dn", "base_dn", "user_filter", "subject_attribute", "email_attribute"),
    *("group_base_dn", "group_filter"),
)
TLS: Mapping[str, Text] = {
    "": Text("TLS with ldaps"),
    "on": Text("StartTLS with ldap"),
}
REQUIRED: Mapping[str, Text] = {
    "": Text("Users of the domains can also sign in here"),
    "on": Text("Users of the domains can sign in only there"),
}
UPDATE: Mapping[str, Text] = {
    "": Text("Fill in the profile fields when an account is created"),
    "on": Text("Replace the profile fields at each sign-in"),
}
SIGN_OUT: Mapping[str, Text] = {
    "": Text("Users who sign out here stay signed in there"),
    "on": Text("Users who sign out here are taken there to sign out"),
}
SIGNALS: Mapping[str, Text] = {
    "": Text("Ignore what the provider reports about its users"),
    "on": Text("End access when the provider reports that an account is closed or in danger"),
}
STORE: Mapping[str, Text] = {
    "": Text("Don't store tokens of this provider"),
    "on": Text("Store users' tokens, so that applications can call its APIs for them"),
}
SWITCHES: Mapping[str, Mapping[str, Text]] = {
    "is_required_for_domains": REQUIRED,
    "updates_profile": UPDATE,
    "signs_out_there": SIGN_OUT,
    "receives_signals": SIGNALS,
    "store_tokens": STORE,
    "start_tls": TLS,
}
"""The choices between two values, off first."""
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
    *("domains", "allowed_domains", "claims", "roles_claim", "roles", "groups_claim", "groups", "token_scopes"),
    *("signals_configuration", "signals_audiences"),
    *OF_DIRECTORY,
)


def trust_options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in TRUST.items()]


def create_options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in CREATE.items()]


def switch_options(name: str) -> list[dict[str, str]]:
    """Return the options of one of the `SWITCHES`."""
    return [{"value": value, "label": label} for value, label in SWITCHES[name].items()]


def store_options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in STORE.items()]


def tls_options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in TLS.items()]


def presets() -> list[dict[str, str]]:
    named = [{"value": name, "label": preset.name} for name, preset in PRESETS.items()]
    return [*named, {"value": "", "label": Text("Another OpenID Provider")}]


def typed_settings(call: Call, preset: str) -> tuple[dict[str, Any], int | None]:
    """Return the settings in the form, and the position. Raises InvalidSettings."""
    text = {name: call.form.text(name).strip() for name in (*IN_FORM, "label", "secret", "position")}
    given: dict[str, Any] = {name: text[name] for name in (*IN_FORM, "label")} | {"preset": preset}
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


def shown_trust(row: SavedUpstream) -> str:
    if row.settings.get("verifies_email_addresses"):
        return "all"
    return {None: "", True: "claimed", False: "none"}[row.settings.get("trust_email_verified")]


def shown_creation(row: SavedUpstream) -> str:
    if row.settings.get("may_create_accounts"):
        return "on"
    return "refuse" if row.settings.get("refuses_unknown_users") else ""


def switch_input(name: str) -> Input[SavedUpstream]:
    return Input(
        name,
        LABELS[name],
        shown=lambda row: "on" if row.settings.get(name) else "",
        options=lambda _language, _chosen: switch_options(name),
    )


def text_input(name: str) -> Input[SavedUpstream]:
    return Input(name, LABELS[name], HINTS.get(name), shown=_shown(name))
