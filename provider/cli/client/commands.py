"""The commands `signet client`: manage the registered applications."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.client.options import (
    AllowedOrigin,
    AllowScheme,
    AssertionIssuer,
    AssertionSubject,
    AuthMethod,
    BackchannelLogoutUri,
    DetailsTypes,
    FirstParty,
    Grant,
    Jwks,
    JwksUri,
    Metadata,
    Name,
    Pkce,
    PostLogoutRedirectUri,
    Public,
    RedirectUri,
    ResetUri,
    Scope,
    ScopeDescription,
    VerifyUri,
    metadata_given,
    require_vouched_for,
)
from provider.cli.client.types import Resource, Site, Type, complete
from provider.cli.installation import unit
from provider.cli.output import Json, print_one, print_rows, say, warn_if_cut, warn_of_short_secret

if TYPE_CHECKING:
    from provider.oauth.clients.clients import Client
    from provider.work import UnitOfWork

app = typer.Typer(help="Manage client applications.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client_id of the application.")]


def _describe(client: "Client") -> dict[str, Any]:
    names = ("client_id", "disabled", "created_at", "registered_itself", "expires_at", "document_expires_at")
    own = {name: getattr(client, name) for name in names}
    return own | {"token_endpoint_auth_method": None} | client.metadata.as_json()


def _get(work: "UnitOfWork", client_id: str) -> "Client":
    from provider.oauth.clients.clients import NoSuchClient, find_client

    client = find_client(work, client_id)
    if client is None:
        raise NoSuchClient(f"No client {client_id} was found. List clients with: signet client list")
    return client


@app.command()
def create(
    *,
    name: Name = None,
    type_: Type = None,
    resource: Resource = None,
    site: Site = None,
    redirect_uri: RedirectUri = None,
    post_logout_redirect_uri: PostLogoutRedirectUri = None,
    backchannel_logout_uri: BackchannelLogoutUri = None,
    allowed_origin: AllowedOrigin = None,
    public: Public = False,
    grant: Grant = None,
    scope: Scope = None,
    scope_description: ScopeDescription = None,
    details_type: DetailsTypes = None,
    auth_method: AuthMethod = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    assertion_issuer: AssertionIssuer = None,
    assertion_subject: AssertionSubject = None,
    first_party: FirstParty = None,
    verify_uri: VerifyUri = None,
    reset_uri: ResetUri = None,
    pkce: Pkce = None,
    allow_scheme: AllowScheme = None,
    metadata: Metadata = None,
    client_id: Annotated[
        str | None, typer.Option(help="Keep this client_id, for an app that moves from another provider.")
    ] = None,
    client_secret_stdin: Annotated[
        bool,
        typer.Option("--client-secret-stdin", help="Keep the client secret from another provider. Read it from stdin."),
    ] = False,
    allow_short_secret: Annotated[
        bool,
        typer.Option("--allow-short-secret", help="Accept a client secret of fewer than 32 characters."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Register an application. Prints its client_id and client_secret. The secret is shown only once.

    Example: signet client create --name Shop --type web --redirect-uri https://shop.example.com/callback
    """
    from provider.oauth.clients.clients import create_client
    from provider.oauth.clients.metadata_rules import parse_metadata

    if client_secret_stdin and metadata == "-":
        raise typer.BadParameter(
            "--metadata - and --client-secret-stdin cannot both read stdin. Put the metadata in a file."
        )
    given = metadata_given(locals())
    if resource:
        given |= {"resource_identifiers": resource}
    if site:
        given |= {"protected_sites": site}
    if metadata is None:
        given = complete(given, type_)
    elif type_ is not None:
        raise typer.BadParameter("use --type or --metadata, not both")
    secret = sys.stdin.readline().rstrip("\r\n") if client_secret_stdin else None
    with unit() as work:
        parsed = parse_metadata(given)
        require_vouched_for(work, parsed)
        client, shown = create_client(
            work, parsed, client_id=client_id, secret=secret, allow_short_secret=allow_short_secret
        )
    if client.keeps_short_secret:
        warn_of_short_secret(client.client_id)
    lines = [f"client_id      {client.client_id}"]
    if shown is not None:
        lines += [f"client_secret  {shown}", "The secret is not shown again."]
    described = _describe(client) | ({} if shown is None else {"client_secret": shown})
    say("\n".join(lines), described, as_json=as_json)


@app.command(name="list")
def list_clients(
    *,
    search: Annotated[
        str | None, typer.Option(help="Show only those whose name, client ID or host contains this.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="Continue after this client_id, the last of the previous page.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of applications to show.")] = 100,
    as_json: Json = False,
) -> None:
    """List the registered applications.

    Example: signet client list --json
    """
    from provider.oauth.clients import client_search, clients

    if search is not None and after is not None:
        raise typer.BadParameter("use --search or --after, not both")
    with unit() as work:
        if search is None:
            found = clients.list_clients(work, after=after, limit=limit)
        else:
            found, further = client_search.find_page(work, search, limit=limit)
            warn_if_cut(further is not None, limit)
        rows = [_describe(client) for client in found]
    columns = ("client_id", "client_name", "token_endpoint_auth_method", "grant_types", "disabled", "created_at")
    print_rows(rows, columns, as_json=as_json)


@app.command()
def show(client_id: Which, *, as_json: Json = False) -> None:
    """Show an application. Its secrets are not shown.

    Example: signet client show CLIENT_ID
    """
    with unit() as work:
        client = _get(work, client_id)
    if client.keeps_short_secret:
        warn_of_short_secret(client_id)
    print_one(_describe(client), as_json=as_json)


@app.command()
def update(
    client_id: Which,
    *,
    name: Name = None,
    redirect_uri: RedirectUri = None,
    post_logout_redirect_uri: PostLogoutRedirectUri = None,
    backchannel_logout_uri: BackchannelLogoutUri = None,
    allowed_origin: AllowedOrigin = None,
    public: Public = False,
    grant: Grant = None,
    scope: Scope = None,
    scope_description: ScopeDescription = None,
    details_type: DetailsTypes = None,
    auth_method: AuthMethod = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    assertion_issuer: AssertionIssuer = None,
    assertion_subject: AssertionSubject = None,
    first_party: FirstParty = None,
    verify_uri: VerifyUri = None,
    reset_uri: ResetUri = None,
    pkce: Pkce = None,
    allow_scheme: AllowScheme = None,
    metadata: Metadata = None,
    as_json: Json = False,
) -> None:
    """Change an application. Only the given values change. A list replaces the previous list.

    Example: signet client update CLIENT_ID --name 'The shop'
    """
    from provider.oauth.clients.clients import update_client
    from provider.oauth.clients.metadata_rules import parse_metadata
    from provider.oauth.clients.metadata_values import is_nothing

    changes = metadata_given(locals())
    with unit() as work:
        kept = _get(work, client_id).metadata.as_json()
        for one, other in (("jwks", "jwks_uri"), ("jwks_uri", "jwks")):
            if not is_nothing(changes.get(one)):
                kept.pop(other, None)  # keys are in one place only
        parsed = parse_metadata(kept | changes)
        if {"sector_identifier_uri", "redirect_uris"} & changes.keys():
            require_vouched_for(work, parsed)
        update_client(work, client_id, parsed)
        described = _describe(_get(work, client_id))
    say(f"Updated {client_id}: {', '.join(changes) or 'no changes'}.", described, as_json=as_json)


@app.command()
def disable(client_id: Which, *, as_json: Json = False) -> None:
    """Disable an application and revoke its tokens.

    Example: signet client disable CLIENT_ID
    """
    from provider.oauth.clients import clients

    with unit() as work:
        clients.disable(work, client_id)
    say(f"Disabled {client_id} and revoked its tokens.", {"client_id": client_id, "disabled": True}, as_json=as_json)


@app.command()
def enable(client_id: Which, *, as_json: Json = False) -> None:
    """Enable a disabled application.

    Example: signet client enable CLIENT_ID
    """
    from provider.oauth.clients import clients

    with unit() as work:
        clients.enable(work, client_id)
    say(f"Enabled {client_id}.", {"client_id": client_id, "disabled": False}, as_json=as_json)
