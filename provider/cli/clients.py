"""signet client: the applications that may sign people in."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, print_one, print_rows, say

if TYPE_CHECKING:
    from provider.oauth.client_metadata import ClientMetadata
    from provider.oauth.clients import Client
    from provider.work import UnitOfWork

app = typer.Typer(help="Applications that sign people in.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="CLIENT_ID")]
Name = Annotated[str | None, typer.Option(help="What people are shown.")]
RedirectUri = Annotated[list[str] | None, typer.Option(help="Exact; may be given several times.")]
PostLogoutRedirectUri = Annotated[list[str] | None, typer.Option(help="Exact; may be given several times.")]
Public = Annotated[bool, typer.Option("--public", help="No secret: an app on a device or in a browser.")]
Grant = Annotated[list[str] | None, typer.Option(help="A grant type; may be given several times.")]
Scope = Annotated[str | None, typer.Option(help='What it may ask for, as in "openid email".')]
AuthMethod = Annotated[str | None, typer.Option(help="How it authenticates at the token endpoint.")]
Jwks = Annotated[str | None, typer.Option(help="A JSON file of its public keys (a JWK set), for private_key_jwt.")]
JwksUri = Annotated[str | None, typer.Option(help="Where it publishes them instead.")]
FirstParty = Annotated[bool, typer.Option("--first-party", help="Ours: people are not asked for consent.")]
Metadata = Annotated[str | None, typer.Option(help="A JSON file of RFC 7591 metadata, or - for stdin.")]


def _given(
    *,
    name: str | None,
    redirect_uri: list[str] | None,
    post_logout_redirect_uri: list[str] | None,
    public: bool,
    grant: list[str] | None,
    scope: str | None,
    auth_method: str | None,
    jwks: str | None,
    jwks_uri: str | None,
    first_party: bool,
    metadata: str | None,
) -> dict[str, Any]:
    """RFC 7591 metadata from a file, and over it what the options say."""
    given: dict[str, Any] = {} if metadata is None else _read(metadata)
    options = {
        "client_name": name,
        "redirect_uris": redirect_uri,
        "post_logout_redirect_uris": post_logout_redirect_uri,
        "grant_types": grant,
        "scope": scope,
        "token_endpoint_auth_method": auth_method or ("none" if public else None),
        "jwks": None if jwks is None else _read(jwks),
        "jwks_uri": jwks_uri,
        "first_party": first_party or None,
    }
    return given | {option: value for option, value in options.items() if value}


def _usual(given: dict[str, Any]) -> dict[str, Any]:
    """What an application typed in by hand usually is; a metadata file means exactly what it says."""
    uris: list[str] = given.get("redirect_uris", [])
    signs_in = {"grant_types": ["authorization_code", "refresh_token"]}
    # A public app that only comes back to the device it runs on is a native one (RFC 8252 section 7).
    on_device = all(uri.startswith(("http://127.0.0.1", "http://[::1]")) or not uri.startswith("http") for uri in uris)
    if uris and on_device and given.get("token_endpoint_auth_method") == "none":
        return signs_in | {"application_type": "native"}
    return signs_in if uris else {"grant_types": ["client_credentials"]}


def _read(source: str) -> dict[str, Any]:
    text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    name = "stdin" if source == "-" else source
    try:
        given = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"{name} is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise typer.BadParameter(f"{name} is not a JSON object")
    return given


def _describe(client: "Client") -> dict[str, Any]:
    own = {"client_id": client.client_id, "disabled": client.disabled, "created_at": client.created_at}
    own |= {"registered_itself": client.registered_itself, "expires_at": client.expires_at}
    return own | client.metadata.as_json()


def _get(work: "UnitOfWork", client_id: str) -> "Client":
    from provider.oauth.clients import NoSuchClient, find_client

    client = find_client(work, client_id)
    if client is None:
        raise NoSuchClient(f"There is no client {client_id}.")
    return client


def _require_vouched_for(work: "UnitOfWork", metadata: "ClientMetadata") -> None:
    """As when a client registers itself; an operator is also told what went wrong at the other server."""
    from provider.oauth.sector_documents import DocumentUnavailable, require_vouched_for

    try:
        require_vouched_for(work, metadata)
    except DocumentUnavailable as refused:
        raise typer.BadParameter(f"{refused} Here: {refused.reason}.") from None


@app.command()
def create(
    *,
    name: Name = None,
    redirect_uri: RedirectUri = None,
    post_logout_redirect_uri: PostLogoutRedirectUri = None,
    public: Public = False,
    grant: Grant = None,
    scope: Scope = None,
    auth_method: AuthMethod = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    first_party: FirstParty = False,
    metadata: Metadata = None,
    client_id: Annotated[str | None, typer.Option(help="Brought along from another provider.")] = None,
    client_secret_stdin: Annotated[
        bool, typer.Option("--client-secret-stdin", help="Read the secret to bring along from stdin.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Register an application. Prints its client_id and, only this once, its client_secret.

    Example: signet client create --name Shop --redirect-uri https://shop.example.com/callback
    """
    from provider.oauth.client_metadata_rules import parse_metadata
    from provider.oauth.clients import create_client

    if client_secret_stdin and metadata == "-":
        raise typer.BadParameter("stdin cannot be both the metadata and the secret")
    given = _given(
        name=name,
        redirect_uri=redirect_uri,
        post_logout_redirect_uri=post_logout_redirect_uri,
        public=public,
        grant=grant,
        scope=scope,
        auth_method=auth_method,
        jwks=jwks,
        jwks_uri=jwks_uri,
        first_party=first_party,
        metadata=metadata,
    )
    if metadata is None:
        given = _usual(given) | given
    secret = sys.stdin.readline().rstrip("\r\n") if client_secret_stdin else None
    with unit() as work:
        parsed = parse_metadata(given)
        _require_vouched_for(work, parsed)
        client, shown = create_client(work, parsed, client_id=client_id, secret=secret)
    lines = [f"client_id      {client.client_id}"]
    if shown is not None:
        lines += [f"client_secret  {shown}", "The secret is not shown again."]
    described = _describe(client) | ({} if shown is None else {"client_secret": shown})
    say("\n".join(lines), described, as_json=as_json)


@app.command(name="list")
def list_clients(
    *,
    search: Annotated[str | None, typer.Option(help="The beginning of the name.")] = None,
    after: Annotated[str | None, typer.Option(help="Go on after this client_id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """List the registered applications.

    Example: signet client list --json
    """
    from provider.oauth import client_search, clients

    if search is not None and after is not None:
        raise typer.BadParameter("give --search or --after")
    with unit() as work:
        if search is None:
            found = clients.list_clients(work, after=after, limit=limit)
        else:
            found, _ = client_search.find_page(work, search, limit=limit)
        rows = [_describe(client) for client in found]
    columns = ("client_id", "client_name", "token_endpoint_auth_method", "grant_types", "disabled", "created_at")
    print_rows(rows, columns, as_json=as_json)


@app.command()
def show(client_id: Which, *, as_json: Json = False) -> None:
    """Everything about one application but its secrets.

    Example: signet client show CLIENT_ID
    """
    with unit() as work:
        print_one(_describe(_get(work, client_id)), as_json=as_json)


@app.command()
def update(
    client_id: Which,
    *,
    name: Name = None,
    redirect_uri: RedirectUri = None,
    post_logout_redirect_uri: PostLogoutRedirectUri = None,
    public: Public = False,
    grant: Grant = None,
    scope: Scope = None,
    auth_method: AuthMethod = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    first_party: FirstParty = False,
    metadata: Metadata = None,
    as_json: Json = False,
) -> None:
    """Change what is given; a list that is given replaces the one before. The rest stays as it is.

    Example: signet client update CLIENT_ID --name 'The shop'
    """
    from provider.oauth.client_metadata_rules import parse_metadata
    from provider.oauth.clients import update_client

    changes = _given(
        name=name,
        redirect_uri=redirect_uri,
        post_logout_redirect_uri=post_logout_redirect_uri,
        public=public,
        grant=grant,
        scope=scope,
        auth_method=auth_method,
        jwks=jwks,
        jwks_uri=jwks_uri,
        first_party=first_party,
        metadata=metadata,
    )
    with unit() as work:
        kept = _get(work, client_id).metadata.as_json()
        for one, other in (("jwks", "jwks_uri"), ("jwks_uri", "jwks")):
            if one in changes:
                kept.pop(other, None)  # keys are in one place only
        parsed = parse_metadata(kept | changes)
        if {"sector_identifier_uri", "redirect_uris"} & changes.keys():
            _require_vouched_for(work, parsed)
        update_client(work, client_id, parsed)
        described = _describe(_get(work, client_id))
    say(f"Updated {client_id}: {', '.join(changes) or 'nothing'}.", described, as_json=as_json)


@app.command()
def disable(client_id: Which, *, as_json: Json = False) -> None:
    """The application gets nothing any more, and what it holds stops working.

    Example: signet client disable CLIENT_ID
    """
    from provider.oauth import clients

    with unit() as work:
        clients.disable(work, client_id)
    say(f"Disabled {client_id}.", {"client_id": client_id, "disabled": True}, as_json=as_json)


@app.command()
def enable(client_id: Which, *, as_json: Json = False) -> None:
    """Undo `disable`.

    Example: signet client enable CLIENT_ID
    """
    from provider.oauth import clients

    with unit() as work:
        clients.enable(work, client_id)
    say(f"Enabled {client_id}.", {"client_id": client_id, "disabled": False}, as_json=as_json)


@app.command()
def delete(
    client_id: Which, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: Json = False
) -> None:
    """Delete an application and everything that belongs to it.

    Example: signet client delete CLIENT_ID --yes
    """
    from provider.oauth import clients

    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete {client_id} for good?", abort=True)
    with unit() as work:
        clients.delete_client(work, client_id)
    say(f"Deleted {client_id}.", {"client_id": client_id, "deleted": True}, as_json=as_json)
