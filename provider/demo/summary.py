"""The summary printed when the demo has started, in colour on a terminal."""

import os
import shlex
import sys
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from provider.config.settings import Settings
from provider.demo.addresses import Addresses
from provider.demo.secrets import OPERATOR
from provider.resources import CLIENTS


def print_summary(addresses: Addresses, settings: Settings, email: str, password: str) -> None:
    places = Table.grid(padding=(0, 3))
    places.add_column(style="bold")
    places.add_column(style="cyan", no_wrap=True)
    places.add_column(style="dim")
    places.add_row("Sample app", addresses.web_app.url, "start here and sign in")
    places.add_row("Browser app", addresses.single_page_app.url, "the same app without a server")
    places.add_row("Your account", f"{addresses.provider.url}/account", "profile, sessions, two-factor authentication")
    places.add_row("Mailbox", addresses.mailbox.url, "every email that the provider sends")
    places.add_row("Sample API", addresses.api.url, "verifies access tokens with the published keys")
    places.add_row("Provider", addresses.provider.url, "/.well-known/openid-configuration")
    places.add_row("Console", f"{addresses.provider.url}/admin", f"sign in as {OPERATOR}, and set up two factors")
    account = Text.assemble("Sign in as  ", (email, "bold green"), "  password  ", (password, "bold green"))
    hint = "The operator has the same password. Or sign up with any address. Ctrl-C stops everything."
    body = Group(places, Text(), account, Text(hint, style="dim"))
    console = Console(file=sys.stdout)
    console.print(Panel.fit(body, title="Signet demo", border_style="red", padding=(1, 2)))
    python, sample = _from_here(sys.executable), _from_here(str(CLIENTS / "device/sign_in.py"))
    device = f"ISSUER={addresses.provider.url} API_URL={addresses.api.url} {python} {sample}"
    signet = _from_here(str(Path(sys.executable).with_name("signet")))
    export = f"export SIGNET_ISSUER={settings.issuer} SIGNET_DATABASE_URL={shlex.quote(settings.database_url)}"
    for title, lines in (
        ("The command line, in another terminal:", (export, f"{signet} user list")),
        ("A device without a browser, in another terminal:", (device,)),
    ):
        console.print(Text.assemble(f"{title}\n", ("\n".join(lines), "cyan")), soft_wrap=True)


def _from_here(path: str) -> str:
    """Return the shortest path that can be typed in the current folder."""
    near = os.path.relpath(path)
    return path if near.startswith(os.pardir) else near
