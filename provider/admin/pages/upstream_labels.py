"""The words in the form of an upstream provider: labels, hints and choices."""

from collections.abc import Mapping

from provider.languages.text import Text

LABELS: Mapping[str, Text] = {
    "name": Text("Name"),
    "issuer": Text("Issuer"),
    "client_id": Text("Client ID"),
    "team_id": Text("Team ID"),
    "key_id": Text("Key ID"),
    "scopes": Text("Scopes"),
    "hosted_domain": Text("Domain"),
    "tenant": Text("Tenant"),
    "allowed_tenants": Text("Allowed tenants"),
    "domains": Text("Domains"),
    "allowed_domains": Text("Domains of new users"),
    "claims": Text("Profile fields"),
    "roles_claim": Text("Claim with roles or groups"),
    "roles": Text("Roles"),
    "groups_claim": Text("Claim with groups"),
    "groups": Text("Groups"),
    "label": Text("Text of the button"),
    "servers": Text("Servers"),
    "start_tls": Text("Encryption"),
    "ca_file": Text("CA file"),
    "bind_dn": Text("Bind DN"),
    "base_dn": Text("Base DN"),
    "user_filter": Text("User filter"),
    "subject_attribute": Text("ID attribute"),
    "email_attribute": Text("Email attribute"),
    "group_base_dn": Text("Group base DN"),
    "group_filter": Text("Group filter"),
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
    "issuer": Text("The URL of the server, exactly as in its discovery document if it has one."),
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
SECRET_LABELS: Mapping[str, Text] = {
    "client_secret": Text("Client secret"),
    "private_key": Text("Private key"),
    "bind_password": Text("Password"),
}
KEPT_SECRET = Text("Leave it empty to keep the current one.")
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
