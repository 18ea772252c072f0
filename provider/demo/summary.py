"""The summary printed when the demo has started, in colour on a terminal."""

import os
import sys

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from provider.demo.addresses import Addresses
from provider.demo.secrets import OPERATOR
from provider.resources import CLIENTS


def print_summary(addresses: Addresses, email: str, password: str) -> None:
    places = Table.grid(padding=(0, 3))
    places.add_column(style="bold")
    places.add_column(style="cyan", no_wrap=True)
    places.add_column(style="dim")
    places.add_row("Sample app", addresses.web_app.url, "start here: sign in")
    places.add_row("Browser app", addresses.single_page_app.url, "the same without a server of its own")
    places.add_row("Mailbox", addresses.mailbox.url, "every letter the provider sends")
    places.add_row("Sample API", addresses.api.url, "checks tokens by the published keys")
    places.add_row("Provider", addresses.provider.url, "/.well-known/openid-configuration")
    places.add_row("Console", f"{addresses.provider.url}/admin", f"for {OPERATOR}, same password, with two factors")
    account = Text.assemble("Ready account  ", (email, "bold green"), "  password  ", (password, "bold green"))
    body = Group(places, Text(), account, Text("Or sign up with any address. Ctrl-C stops everything.", style="dim"))
    console = Console(file=sys.stdout)
    console.print(Panel.fit(body, title="Signet demo", border_style="red", padding=(1, 2)))
    python, sample = _from_here(sys.executable), _from_here(str(CLIENTS / "device/sign_in.py"))
    command = f"ISSUER={addresses.provider.url} API_URL={addresses.api.url} {python} {sample}"
    console.print(
        Text.assemble("A device without a browser, in another terminal:\n", (command, "cyan")), soft_wrap=True
    )


def _from_here(path: str) -> str:
    """Return the shortest path that can be typed in the current folder."""
    near = os.path.relpath(path)
    return path if near.startswith(os.pardir) else near
