"""The options of `signet upstream`: the settings of a provider."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the provider: lower-case letters, digits and hyphens.")]
ClientId = Annotated[str | None, typer.Option(help="Client ID that the provider gave to this server.")]
SecretStdin = Annotated[
    bool,
    typer.Option(
        "--secret-stdin", help="Read the client secret, Apple's private key or a directory's bind password from stdin."
    ),
]
Name = Annotated[str | None, typer.Option(help="Name that users know the provider by.")]
IssuerOption = Annotated[str | None, typer.Option(help="Its issuer, exactly as in its discovery document.")]
TeamId = Annotated[str | None, typer.Option(help="Team ID, for Apple.")]
KeyId = Annotated[str | None, typer.Option(help="ID of the private key, for Apple.")]
Scope = Annotated[list[str] | None, typer.Option(help="Scope to ask for. Can be repeated.")]
HostedDomain = Annotated[str | None, typer.Option(help="The only Google Workspace domain whose users may sign in.")]
Tenant = Annotated[
    str | None,
    typer.Option(help="Authority of Microsoft: the ID of a tenant, common, organizations or consumers."),
]
AllowedTenant = Annotated[
    list[str] | None, typer.Option(help="ID of a Microsoft tenant whose users may sign in. Can be repeated.")
]
TrustEmail = Annotated[
    bool | None,
    typer.Option("--trust-email/--no-trust-email", help="Whether its claim email_verified is trusted."),
]
VerifiesEmail = Annotated[
    bool | None,
    typer.Option(
        "--verifies-email/--no-verifies-email",
        help="Whether each address that it sends is verified, unless it says otherwise.",
    ),
]
CreateAccounts = Annotated[
    bool | None,
    typer.Option("--create-accounts/--no-create-accounts", help="Whether new users get an account."),
]
Label = Annotated[str | None, typer.Option(help="Text of its button.")]
Domain = Annotated[
    list[str] | None,
    typer.Option(help="Domain whose users belong to it: who types such an address is sent there. Can be repeated."),
]
RequiredForDomains = Annotated[
    bool | None,
    typer.Option(
        "--required-for-domains/--not-required-for-domains",
        help="Whether users of these domains may sign in only there.",
    ),
]
AllowedDomain = Annotated[
    list[str] | None,
    typer.Option(help="Only domain of addresses for which accounts are created. Can be repeated."),
]
RefuseUnknown = Annotated[
    bool | None,
    typer.Option(
        "--refuse-unknown/--accept-unknown",
        help="Whether users without an account are turned away, instead of linking or signing up.",
    ),
]
StoreTokens = Annotated[
    bool | None,
    typer.Option(
        "--store-tokens/--store-no-tokens",
        help="Whether users' tokens of it are stored, so that apps can call its APIs for them.",
    ),
]
TokenScope = Annotated[
    list[str] | None, typer.Option(help="Scope to ask for in addition, if tokens are stored. Can be repeated.")
]
ClaimOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Profile field, or declared attribute (attributes.NAME), of a new account and its claim, FIELD=CLAIM."
        " Can be repeated."
    ),
]
UpdateProfile = Annotated[
    bool | None,
    typer.Option("--update-profile/--keep-profile", help="Whether these are replaced at each sign-in."),
]
SignOutThere = Annotated[
    bool | None,
    typer.Option(
        "--sign-out-there/--sign-out-here",
        help="Whether a sign-out here continues at the provider, which signs the user out too.",
    ),
]
ReceiveSignals = Annotated[
    bool | None,
    typer.Option(
        "--receive-signals/--ignore-signals",
        help="Whether its shared signals end the access of users whose account there is closed or in danger.",
    ),
]
SignalsConfiguration = Annotated[
    str | None, typer.Option(help="URL of the configuration of its transmitter. Default: that of its issuer.")
]
SignalsAudience = Annotated[
    list[str] | None, typer.Option(help="Another client ID that its signals may be for. Can be repeated.")
]
RolesClaim = Annotated[str | None, typer.Option(help="Claim with the user's roles or groups there.")]
RoleOption = Annotated[
    list[str] | None,
    typer.Option(help="Value of that claim and the role here, VALUE=ROLE. Can be repeated."),
]
GroupsClaim = Annotated[
    str | None, typer.Option(help="Claim with the user's groups there. Default: that of --roles-claim.")
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Value of that claim and the group here, VALUE=GROUP, or '*=*' for groups of the same name. Can be"
        " repeated."
    ),
]
DirectoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--directory",
        help="Setting of a directory, NAME=VALUE: servers, start_tls, ca_file, bind_dn, base_dn, user_filter,"
        " subject_attribute, email_attribute, group_base_dn or group_filter. Can be repeated.",
    ),
]
Position = Annotated[int | None, typer.Option(help="Its place among the buttons. Default: the last.")]


MEMBERS = {
    **{
        name: name for name in ("preset", "client_id", "name", "issuer", "team_id", "key_id", "hosted_domain", "tenant")
    },
    **{name: name for name in ("roles_claim", "groups_claim", "store_tokens", "label")},
    **{f"{name}s": name for name in ("scope", "allowed_tenant", "domain", "allowed_domain", "token_scope")},
    "trust_email_verified": "trust_email",
    "verifies_email_addresses": "verifies_email",
    "may_create_accounts": "create_accounts",
    "is_required_for_domains": "required_for_domains",
    "refuses_unknown_users": "refuse_unknown",
    "claims": "claim",
    "updates_profile": "update_profile",
    "roles": "role",
    "groups": "group",
    "signs_out_there": "sign_out_there",
    "receives_signals": "receive_signals",
    "signals_configuration": "signals_configuration",
    "signals_audiences": "signals_audience",
}
"""The settings of an upstream, and the parameter of a command that has each."""
PAIRS = {"claims", "roles", "groups"}


def settings_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the parameters of a command (its `locals()`) give. Raises BadParameter."""
    given = {name: parameters.get(parameter) for name, parameter in MEMBERS.items()}
    found = {name: value for name, value in given.items() if value is not None}
    found |= {name: _pairs(value) for name, value in found.items() if name in PAIRS}
    return found | _directory_settings(parameters["directory"])


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if not all(separator for _, separator, _ in pairs):
        raise typer.BadParameter("must be NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _directory_settings(texts: list[str] | None) -> dict[str, Any]:
    """Return the settings of a directory that were typed as NAME=VALUE. Raises BadParameter."""
    from provider.federation.directory_settings import DIRECTORY_MEMBERS

    given: dict[str, Any] = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        if not separator or name not in DIRECTORY_MEMBERS or name == "bind_password":
            raise typer.BadParameter(f"{name} is not a setting of a directory. It must be NAME=VALUE")
        if name == "servers":
            given[name] = [*given.get(name, ()), *value.split()]
        else:
            given[name] = value == "true" if value in {"true", "false"} else value
    return given
