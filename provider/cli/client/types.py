"""The kind of application that `signet client create` registers, and what has to be said about each."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer


class ClientType(StrEnum):
    """The kinds of applications, as the console has them (`operators.presets`)."""

    WEB = "web"
    SPA = "spa"
    NATIVE = "native"
    SERVICE = "service"
    DEVICE = "device"
    API = "api"
    SITE = "site"


Type = Annotated[
    ClientType | None,
    typer.Option(
        "--type",
        help="Kind of app. web: runs on a server. spa: runs in the browser. native: mobile or desktop. service: acts "
        "for itself. device: a TV or command-line tool. api: accepts access tokens. site: protected at its reverse "
        "proxy.",
    ),
]
Resource = Annotated[
    list[str] | None, typer.Option("--resource", help="URL of the API, with --type api. Can be repeated.")
]
Site = Annotated[
    list[str] | None,
    typer.Option("--site", help="Origin of a protected site, with --type site. Can be repeated."),
]
DESCRIBING = ("redirect_uris", "grant_types", "resource_identifiers", "protected_sites")
"""Metadata that says what kind of application it is, so that --type is not needed."""
NEEDED = {
    ClientType.WEB: ("redirect_uris", "--redirect-uri", "the URL where users return after signing in"),
    ClientType.SPA: ("redirect_uris", "--redirect-uri", "the URL where users return after signing in"),
    ClientType.NATIVE: ("redirect_uris", "--redirect-uri", "such as http://127.0.0.1/callback"),
    ClientType.API: ("resource_identifiers", "--resource", "the URL of the API"),
    ClientType.SITE: ("protected_sites", "--site", "the origin of the site, such as https://wiki.example.com"),
}
WITHOUT_REDIRECT = (ClientType.SERVICE, ClientType.DEVICE, ClientType.API)


def complete(given: dict[str, Any], kind: ClientType | None) -> dict[str, Any]:
    """Return the metadata of an application described by options, with the defaults of its kind.

    What is missing is asked for at a terminal. Elsewhere it raises BadParameter, which names the option.
    """
    from provider.cli.client.options import usual
    from provider.operators.presets import PRESETS

    given = dict(given)
    if "client_name" not in given:
        given["client_name"] = _ask("--name", "the name that users see")
    if kind is None and not any(name in given for name in DESCRIBING):
        kind = _ask_type()
    if kind is None:
        if "authorization_code" in given.get("grant_types", ()) and "redirect_uris" not in given:
            given["redirect_uris"] = [_ask(*NEEDED[ClientType.WEB][1:], why="--grant authorization_code needs")]
        return usual(given) | given
    if kind in WITHOUT_REDIRECT and "redirect_uris" in given:
        raise typer.BadParameter(
            f"--redirect-uri cannot be used with --type {kind}: users don't sign in there with a browser"
        )
    needed = NEEDED.get(kind)
    if needed is not None and needed[0] not in given:
        given[needed[0]] = [_ask(needed[1], needed[2], why=f"--type {kind} needs")]
    return dict(PRESETS[kind].metadata) | given


def _ask_type() -> ClientType:
    choices = ", ".join(ClientType)
    text = _ask("--type", f"one of {choices}")
    if text not in set(ClientType):
        raise typer.BadParameter(f"--type must be one of {choices}, not {text!r}")
    return ClientType(text)


def _ask(option: str, about: str, *, why: str = "missing") -> str:
    if _is_terminal():
        return str(typer.prompt(f"{option} ({about})")).strip()
    raise typer.BadParameter(f"{why} {option}: {about}")


def _is_terminal() -> bool:
    return sys.stdin.isatty()
