"""The commands `signet upstream`: the providers that users can sign in with."""

import sys
from typing import Annotated, Any

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, print_one, print_rows, say
from provider.cli.upstream.options import (
    AllowedDomain,
    AllowedTenant,
    ClaimOption,
    ClientId,
    CreateAccounts,
    DirectoryOption,
    Domain,
    GroupOption,
    GroupsClaim,
    HostedDomain,
    IssuerOption,
    Key,
    KeyId,
    Label,
    Name,
    Position,
    ReceiveSignals,
    RefuseUnknown,
    RequiredForDomains,
    RoleOption,
    RolesClaim,
    Scope,
    SecretStdin,
    SignalsAudience,
    SignalsConfiguration,
    SignOutThere,
    StoreTokens,
    TeamId,
    Tenant,
    TokenScope,
    TrustEmail,
    UpdateProfile,
    VerifiesEmail,
    settings_of,
)

app = typer.Typer(help="Manage upstream providers that users sign in with.", no_args_is_help=True)


@app.command()
def create(
    key: Key,
    *,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Known provider: apple, discord, facebook, github, gitlab, google or microsoft;"
            " or a directory: ldap or active-directory. Default: none."
        ),
    ] = None,
    client_id: ClientId = None,
    secret_stdin: SecretStdin = False,
    name: Name = None,
    issuer: IssuerOption = None,
    team_id: TeamId = None,
    key_id: KeyId = None,
    scope: Scope = None,
    hosted_domain: HostedDomain = None,
    tenant: Tenant = None,
    allowed_tenant: AllowedTenant = None,
    trust_email: TrustEmail = None,
    verifies_email: VerifiesEmail = None,
    create_accounts: CreateAccounts = None,
    domain: Domain = None,
    required_for_domains: RequiredForDomains = None,
    allowed_domain: AllowedDomain = None,
    refuse_unknown: RefuseUnknown = None,
    claim: ClaimOption = None,
    update_profile: UpdateProfile = None,
    roles_claim: RolesClaim = None,
    role: RoleOption = None,
    groups_claim: GroupsClaim = None,
    group: GroupOption = None,
    store_tokens: StoreTokens = None,
    token_scope: TokenScope = None,
    directory: DirectoryOption = None,
    sign_out_there: SignOutThere = None,
    receive_signals: ReceiveSignals = None,
    signals_configuration: SignalsConfiguration = None,
    signals_audience: SignalsAudience = None,
    label: Label = None,
    position: Position = None,
    as_json: Json = False,
) -> None:
    """Add a provider that users can sign in with. Prints the URIs to register there. Guide: docs/guides/upstream.md.

    Example: signet upstream create github --preset github --client-id Iv1.8a61f9b3a7aba766 --secret-stdin < secret.txt
    """
    given = settings_of(locals())
    from provider.federation import managed

    with unit() as work:
        row = managed.create(work, key, given | _secret(preset, wanted=secret_stdin), position=position)
        described = _described(work, row)
        uris = managed.uris_to_register(work.settings, key, preset=row.settings.get("preset"))
    added = (f"Added the upstream provider {key}.", *(f"{name}  {uri}" for name, uri in uris.items()))
    say("\n".join(added), described, as_json=as_json)


@app.command(name="list")
def list_upstreams(*, as_json: Json = False) -> None:
    """List providers: those of the file, then the saved ones.

    Example: signet upstream list
    """
    from provider.federation import managed
    from provider.saved_settings.upstreams import find_all

    with unit() as work:
        rows = [
            {"key": one.key, "name": one.name, "issuer": one.issuer, "source": "file", "disabled": False}
            for one in managed.of_file(work)
        ]
        rows += [_described(work, row) for row in find_all(work.read)]
    print_rows(rows, ("key", "name", "issuer", "source", "disabled"), as_json=as_json)


@app.command()
def show(key: Key, *, as_json: Json = False) -> None:
    """Show a saved provider. Its secret is not shown.

    Example: signet upstream show github
    """
    from provider.federation import managed

    with unit() as work:
        described = _described(work, managed.find_by_key(work, key))
    print_one(described, as_json=as_json)


@app.command()
def update(
    key: Key,
    *,
    client_id: ClientId = None,
    secret_stdin: SecretStdin = False,
    name: Name = None,
    issuer: IssuerOption = None,
    team_id: TeamId = None,
    key_id: KeyId = None,
    scope: Scope = None,
    hosted_domain: HostedDomain = None,
    tenant: Tenant = None,
    allowed_tenant: AllowedTenant = None,
    trust_email: TrustEmail = None,
    verifies_email: VerifiesEmail = None,
    create_accounts: CreateAccounts = None,
    domain: Domain = None,
    required_for_domains: RequiredForDomains = None,
    allowed_domain: AllowedDomain = None,
    refuse_unknown: RefuseUnknown = None,
    claim: ClaimOption = None,
    update_profile: UpdateProfile = None,
    roles_claim: RolesClaim = None,
    role: RoleOption = None,
    groups_claim: GroupsClaim = None,
    group: GroupOption = None,
    store_tokens: StoreTokens = None,
    token_scope: TokenScope = None,
    directory: DirectoryOption = None,
    sign_out_there: SignOutThere = None,
    receive_signals: ReceiveSignals = None,
    signals_configuration: SignalsConfiguration = None,
    signals_audience: SignalsAudience = None,
    label: Label = None,
    position: Position = None,
    as_json: Json = False,
) -> None:
    """Change a saved provider. Options that you leave out stay as they are. An empty text removes a setting.

    Example: signet upstream update github --create-accounts
    """
    given = settings_of(locals())
    from provider.federation import managed

    with unit() as work:
        row = managed.find_by_key(work, key)
        secret = _secret(row.settings.get("preset"), wanted=secret_stdin)
        row = managed.update(work, row.id, row.settings | given | secret, position=position)
        described = _described(work, row)
    say(f"Updated the upstream provider {key}.", described, as_json=as_json)


@app.command()
def disable(key: Key, *, as_json: Json = False) -> None:
    """Disable a saved provider until you enable it.

    Example: signet upstream disable github
    """
    _do("disable", key, f"Disabled the upstream provider {key}.", as_json=as_json)


@app.command()
def enable(key: Key, *, as_json: Json = False) -> None:
    """Enable a disabled provider again.

    Example: signet upstream enable github
    """
    _do("enable", key, f"Enabled the upstream provider {key}.", as_json=as_json)


@app.command()
def delete(key: Key, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a saved provider. Users who have no other way to sign in are locked out.

    Example: signet upstream delete github --yes
    """
    confirm(f"Permanently delete the upstream provider {key}?", yes=yes)
    _do("delete", key, f"Deleted the upstream provider {key}.", as_json=as_json)


@app.command(name="signals")
def show_signals(key: Key, *, as_json: Json = False) -> None:
    """Show the last shared signal and the last problem.

    Example: signet upstream signals google
    """
    from provider.federation.signals import verification

    with unit() as work:
        described = verification.describe(work, key)
    print_one(described, as_json=as_json)


@app.command(name="test-signals")
def request_test_signal(key: Key, *, as_json: Json = False) -> None:
    """Ask a provider for a test signal. Creates the stream if it has none that leads here.

    Example: signet upstream test-signals okta
    """
    from provider.federation.signals import verification

    with unit() as work:
        verification.request_for(work, key)
        described = verification.describe(work, key)
    say(f"Requested a test signal. See if it arrived: signet upstream signals {key}", described, as_json=as_json)


def _do(what: str, key: str, said: str, *, as_json: bool) -> None:
    from provider.federation import managed

    with unit() as work:
        getattr(managed, what)(work, managed.find_by_key(work, key).id)
    say(said, {"key": key}, as_json=as_json)


def _secret(preset: str | None, *, wanted: bool) -> dict[str, str]:
    from provider.federation.presets import secret_name

    return {secret_name(preset): sys.stdin.read().strip()} if wanted else {}


def _described(work: Any, row: Any) -> dict[str, Any]:
    from provider.federation import managed

    settings = managed.read(work.vault, row)
    described = {
        "id": row.id,
        "key": row.key,
        "name": row.key if settings is None else settings.name,
        "issuer": None if settings is None else settings.issuer,
        "source": "database",
        "position": row.position,
        **managed.uris_to_register(work.settings, row.key, preset=row.settings.get("preset")),
        "disabled": row.disabled_at is not None,
        "created_at": row.created_at,
    }
    return described | {name: value for name, value in row.settings.items() if name not in described}
