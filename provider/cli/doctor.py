"""The command `signet doctor`: examine the running installation, from outside and inside."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provider.cli.output import Json, plain_text, print_json
from provider.doctor.groups import Group

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.doctor.examination import Case
    from provider.work import Installation

COULD_NOT_RUN = 2
"""The exit status if something could not be examined."""


def doctor(
    only: Annotated[
        list[Group] | None, typer.Option("--only", help="Examine only this group. Can be repeated.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="Examine this issuer from outside, without its settings and database. Default: SIGNET_ISSUER, "
            "from outside and inside."
        ),
    ] = None,
    *,
    node: Annotated[
        list[str] | None,
        typer.Option(help="URL of a single node, such as http://10.0.0.5:8001, to compare. Can be repeated."),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(help="PEM file of authorities to trust besides the system's. Default: SIGNET_OUTBOUND_CA."),
    ] = None,
    send_test_email: Annotated[
        str | None, typer.Option(help="Send a test email to this address. Without it, no email is sent.")
    ] = None,
    dkim_selector: Annotated[
        list[str] | None,
        typer.Option(help="Selector with which your mail server signs (DKIM), to look up its key. Can be repeated."),
    ] = None,
    probes: Annotated[
        bool,
        typer.Option(
            "--probes",
            help="Also attack the installation, as a user and two clients that are created for this and deleted again. "
            "--only attack does the same.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, without doing anything.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Examine the running installation. Each problem comes with its fix.

    Groups: address, tls, proxy, browser, metadata, clock, mail, redis, database, installation, connected, attack. It
    can be run in production, and only looks without --probes and --send-test-email. Exits with 0 if there is no
    problem, with 1 if there is one, and with 2 if there is none but something could not be examined.

    Example: signet doctor --only tls --only proxy
    """
    from provider.config.environment import SettingsError
    from provider.doctor.registry import choose
    from provider.doctor.report import STATUS, as_lines, as_value, plan, plan_lines
    from provider.doctor.run import examine, worst
    from provider.observability.logging import configure_logging

    configure_logging("error")
    attacks = probes or Group.ATTACK in (only or ())
    if attacks and url is not None:
        raise typer.BadParameter("--probes needs the database, so it cannot be used with --url")
    try:
        case = _case(url, tuple(node or ()), ca, send_test_email, tuple(dkim_selector or ()))
        case = replace(case, probes=attacks)
    except SettingsError as error:
        sys.stderr.write(f"signet: {' '.join(str(error).split())}\n")
        return COULD_NOT_RUN
    try:
        chosen = choose(only or ())
        if dry_run:
            planned = plan(case, chosen)
            if as_json:
                print_json(planned)
            else:
                _print(plan_lines(planned))
            return 0
        results = examine(case, chosen)
    finally:
        _leave_nothing(case)
        if case.installation is not None:
            case.installation.database.close()
    if as_json:
        print_json(as_value(case.url, results))
    else:
        _print(as_lines(results))
    return STATUS[worst(results)]


def _leave_nothing(case: "Case") -> None:
    """Delete what the probes created, if they were interrupted, for example with Ctrl-C."""
    if case.probes:
        from sqlalchemy.exc import SQLAlchemyError

        from provider.database.engine import OUTAGES
        from provider.doctor.attack.guests import remove_all

        with suppress(*OUTAGES, SQLAlchemyError):  # the next run deletes it
            remove_all()


def _case(
    url: str | None, nodes: tuple[str, ...], ca: Path | None, test_email_to: str | None, selectors: tuple[str, ...]
) -> "Case":
    """Return what to examine. Raises SettingsError, and BadParameter for options that cannot be used."""
    from provider.config.environment import load_settings
    from provider.doctor.examination import Case
    from provider.doctor.resolver import SystemResolver
    from provider.doctor.transport import NetworkTransport
    from provider.urls import web_origin_of

    installation, inside_problem, authorities = None, None, ca
    if ca is not None and not ca.is_file():
        raise typer.BadParameter(f"--ca: there is no file {ca}")
    if test_email_to is not None and url is not None:
        raise typer.BadParameter("--send-test-email needs the settings, so it cannot be used with --url")
    if url is None:
        settings = load_settings()
        url, authorities = settings.issuer, ca or settings.outbound_ca
        installation, inside_problem = _open(settings)
    for name, each in (("--url", url), *(("--node", each) for each in nodes)):
        if web_origin_of(each) is None or set(each) & set("?#@"):
            raise typer.BadParameter(f"{name} must be a URL such as https://id.example.com, not {each}")
    return Case(
        url=url.rstrip("/"),
        transport=NetworkTransport(None if authorities is None else str(authorities)),
        resolver=SystemResolver(),
        nodes=tuple(each.rstrip("/") for each in nodes),
        installation=installation,
        inside_problem=inside_problem,
        test_email_to=test_email_to,
        dkim_selectors=selectors,
    )


def _open(settings: "Settings") -> "tuple[Installation | None, str | None]":
    """Return the installation, or why it cannot be opened. Its address can still be examined."""
    from sqlalchemy.exc import SQLAlchemyError

    from provider.config.environment import SettingsError
    from provider.database.engine import OUTAGES
    from provider.installation import open_installation

    try:
        installation = open_installation(settings)
    except SettingsError as error:
        return None, str(error)
    with suppress(*OUTAGES, SQLAlchemyError):  # the examinations say so
        installation.branding.refresh(installation.database)
    return installation, None


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(plain_text(line) + "\n")
