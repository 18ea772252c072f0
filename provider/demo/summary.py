"""The summary printed when the demo has started, in color on a terminal."""

import os
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from provider.config.settings import Settings
from provider.demo.addresses import Addresses
from provider.demo.secrets import OPERATOR
from provider.resources import CLIENTS


def print_summary(addresses: Addresses, settings: Settings, email: str, password: str) -> None:
    provider = addresses.provider.url
    places = (
        ("Sample app", addresses.web_app.url, "start here"),
        ("Browser app", addresses.single_page_app.url, "a single-page app"),
        ("Your account", f"{provider}/account", "profile, sessions, security"),
        ("Mailbox", addresses.mailbox.url, "all emails that Signet sends"),
        ("Sample API", addresses.api.url, "accepts access tokens"),
        ("Console", f"{provider}/admin", f"for {OPERATOR}"),
        ("Inspector", f"{provider}/inspect", "for URLs, codes and tokens"),
        ("Discovery", f"{provider}/.well-known/openid-configuration", ""),
    )
    account = Text.assemble("Email         ", (email, "bold green"), "\nPassword      ", (password, "bold green"))
    hint = "The operator has the same password. You can also sign up. Press Ctrl-C to stop."
    console = Console(file=sys.stdout)
    console.print(Text("\nSignet demo\n", style="bold red"))
    for name, url, about in places:
        console.print(Text.assemble((f"{name:<14}", "bold"), (url, "cyan"), ("  " + about, "dim")), soft_wrap=True)
    console.print(Text(), account, Text(f"{hint}\n", style="dim"), soft_wrap=True, sep="\n")
    python, sample = _from_here(sys.executable), _from_here(str(CLIENTS / "device/sign_in.py"))
    device = f"ISSUER={addresses.provider.url} API_URL={addresses.api.url} {python} {sample}"
    signet = _from_here(str(Path(sys.executable).with_name("signet")))
    named = {
        "SIGNET_ISSUER": settings.issuer,
        "SIGNET_DATABASE_URL": settings.database_url,
        "SIGNET_SMTP_HOST": settings.smtp_host,
        "SIGNET_SMTP_PORT": str(settings.smtp_port),
    }
    export = "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in named.items())
    for title, lines in (
        ("To use the command line, open another terminal:", (export, f"{signet} user list")),
        ("To sign in on a device without a browser, open another terminal:", (device,)),
    ):
        console.print(Text.assemble(f"{title}\n", ("\n".join(lines), "cyan")), soft_wrap=True)


def _from_here(path: str) -> str:
    """Return the shortest path that can be typed in the current folder."""
    near = os.path.relpath(path)
    return path if near.startswith(os.pardir) else near
