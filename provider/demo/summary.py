"""What the person at the terminal needs to know, in colour when it is one."""

import os
import sys

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from provider.demo.addresses import Addresses
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
    account = Text.assemble("Ready account  ", (email, "bold green"), "  password  ", (password, "bold green"))
    sample = os.path.relpath(CLIENTS / "device/sign_in.py")
    device = Text.assemble(
        "A device without a browser, in another terminal:\n",
        (f"ISSUER={addresses.provider.url} API_URL={addresses.api.url} {sys.executable} {sample}", "cyan"),
    )
    body = Group(
        places, Text(), account, device, Text("Or sign up with any address. Ctrl-C stops everything.", style="dim")
    )
    Console(file=sys.stdout).print(Panel.fit(body, title="Signet demo", border_style="red", padding=(1, 2)))
