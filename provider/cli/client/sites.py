"""The commands of protected sites: register them, configure their proxies, preview what a user would see."""

from pathlib import Path
from typing import Annotated, Any

import typer

from provider.cli.client.options import read_json_file
from provider.cli.installation import opened, unit
from provider.cli.output import Json, print_one, say

Sites = Annotated[list[str], typer.Argument(metavar="SITE...", help="Origin of a site, for example https://wiki.test.")]
Name = Annotated[str | None, typer.Option(help="Name of the application, as users see it. Default: the first site.")]
ClientId = Annotated[
    str | None, typer.Option(help="Application to change. Default: register a new one and print its client_id.")
]
Bypass = Annotated[
    list[str] | None, typer.Option(help="Path that needs no sign-in, for example /health. Can be repeated.")
]
Paths = Annotated[
    Path | None,
    typer.Option(
        "--paths", help='JSON file with the rules for paths, for example {"/admin": {"allowed_groups": ["admins"]}}.'
    ),
]


def protect(
    sites: Sites,
    *,
    name: Name = None,
    client_id: ClientId = None,
    bypass: Bypass = None,
    paths: Paths = None,
    as_json: Json = False,
) -> None:
    """Protect sites behind a reverse proxy. Sites and paths that you leave out are removed.

    Example: signet client protect https://wiki.example.com --name Wiki --bypass /health
    """
    from provider.oauth.clients.clients import NoSuchClient, create_client, find_client, update_client
    from provider.oauth.clients.metadata_rules import parse_metadata
    from provider.oauth.clients.protected_sites.sites import OF_NEW_CLIENT

    rules: dict[str, Any] = read_json_file(str(paths)) if paths else {}
    rules |= {path: {"bypass": True} for path in bypass or ()}
    given = {"protected_sites": sites, "protected_paths": rules or None}
    with unit() as work:
        if client_id is None:
            client, _ = create_client(
                work, parse_metadata(dict(OF_NEW_CLIENT) | {"client_name": name or sites[0]} | given)
            )
        else:
            found = find_client(work, client_id)
            if found is None:
                raise NoSuchClient(f"No client {client_id} was found. List clients with: signet client list")
            client, named = found, {} if name is None else {"client_name": name}
            update_client(work, client_id, parse_metadata(client.metadata.as_json() | named | given))
    done = {"client_id": client.client_id, **given}
    say(f"client_id      {client.client_id}\nProtects {', '.join(sites)}.", done, as_json=as_json)


def proxy_config(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Origin of a protected site.")],
    *,
    proxy: Annotated[str, typer.Option(help="The reverse proxy: nginx, caddy, traefik or envoy.")] = "nginx",
    as_json: Json = False,
) -> None:
    """Print the configuration of a site's reverse proxy.

    Example: signet client proxy-config https://wiki.example.com --proxy caddy
    """
    from provider.oauth.forward_auth.proxies import configuration_for
    from provider.oauth.forward_auth.sites import find_site
    from provider.oauth.tokens.server import open_server
    from provider.work import unit_of_work

    with opened() as installation, unit_of_work(installation) as work:
        origin, _ = find_site(work, open_server(installation), site)
        files = configuration_for(proxy, site=origin, issuer=work.settings.issuer)
    say("\n".join(text.rstrip() + "\n" for text in files.values()).rstrip(), {"files": files}, as_json=as_json)


def preview_site(
    url: Annotated[str, typer.Argument(metavar="URL", help="URL of a page of a protected site.")],
    user: Annotated[str, typer.Argument(metavar="USER", help="Email address or user ID.")],
    *,
    network: Annotated[
        str | None, typer.Option(help="IP address of the user. Default: rules about networks are listed, not applied.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show whether a user could open a page of a site.

    Example: signet client preview-site https://wiki.example.com/admin ada@example.com
    """
    from dataclasses import asdict

    from provider.accounts.users import get_user
    from provider.oauth.forward_auth.preview import preview
    from provider.oauth.tokens.server import open_server
    from provider.work import unit_of_work

    with opened() as installation, unit_of_work(installation) as work:
        found = preview(work, open_server(installation), user=get_user(work, user), url=url, network=network)
    reason = None if found.reason is None else str(found.reason)
    print_one(asdict(found) | {"reason": reason, "networks": list(found.networks)}, as_json=as_json)
