"""The whole command line: assemble the groups and run one command. An expected failure prints one line to stderr and
exits with a non-zero status.
"""

import os
import sys
from collections.abc import Sequence
from functools import cache
from typing import Annotated

import typer
from typer.core import TyperGroup

from provider import __version__
from provider.cli import (
    apply,
    check,
    client_secrets,
    clients,
    completion,
    invalidate,
    keys,
    outbox,
    records,
    registration,
    service,
    sessions,
    settings,
    transfer,
    users,
    webhooks,
)
from provider.refusals import Refusal

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""The exit statuses of `signet`."""
BROKEN_FILES = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
"""SQLite's errors for a file that it cannot read (https://www.sqlite.org/rescode.html)."""


@cache
def command_line() -> TyperGroup:
    """Build the tree of commands, once per process."""
    signet = typer.Typer(
        name="signet",
        help="Signet, an OAuth 2.0 / OpenID Connect provider. Settings come from SIGNET_* variables.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    signet.callback()(_general)
    signet.command()(service.demo)
    signet.command()(service.serve)
    signet.command()(service.worker)
    signet.command()(service.migrate)
    signet.command()(check.check)
    signet.command()(settings.settings)
    signet.add_typer(users.app, name="user")
    clients.app.command(name="registration-token")(registration.registration_token)
    clients.app.command(name="rotate-secret")(client_secrets.rotate_secret)
    clients.app.command(name="end-old-secrets")(client_secrets.end_old_secrets)
    signet.add_typer(clients.app, name="client")
    signet.command()(apply.apply)
    signet.add_typer(keys.app, name="key")
    signet.add_typer(sessions.app, name="session")
    signet.command()(records.audit)
    signet.command()(records.explain)
    signet.add_typer(outbox.app, name="outbox")
    signet.add_typer(webhooks.app, name="webhook")
    signet.command()(service.purge)
    signet.command()(invalidate.invalidate)
    signet.command()(transfer.export)
    signet.command(name="import")(transfer.import_)
    signet.command()(completion.completion)
    group = typer.main.get_command(signet)
    assert isinstance(group, TyperGroup)  # noqa: S101  # there are several commands
    return group


def _show_version(asked: bool) -> None:  # as typer calls it
    if asked:
        sys.stdout.write(f"signet {__version__}\n")
        raise typer.Exit


def _general(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Signet, an OAuth 2.0 / OpenID Connect provider. Settings come from SIGNET_* variables."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    if completion.ASKED in os.environ:
        completion.prepare()
    try:
        status = command_line()(list(arguments), standalone_mode=False, prog_name="signet")
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        problem, status = _expected(error)
        if problem is None:
            raise
        is_help = problem.startswith("Usage:")  # of a group without a command
        sys.stderr.write(f"{problem}\n" if is_help else f"signet: {' '.join(problem.split())}\n")
        return status
    return status if isinstance(status, int) else OK


def _expected(error: Exception) -> tuple[str | None, int]:
    """Return the message and exit status of an error that is not a bug, such as a mistyped command, an unreachable
    database or a missing file. The message is None for any other error.
    """
    if isinstance(error, typer.TyperException):
        return _mistyped(error), USAGE
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}", FAILED
    if isinstance(error, Refusal | OSError):
        return str(error), FAILED
    from provider.config.environment import SettingsError

    if isinstance(error, SettingsError):
        return str(error), FAILED
    from provider.crypto.vault import VaultError
    from provider.database.engine import OUTAGES

    if isinstance(error, OUTAGES):
        return f"the database cannot be reached ({type(error).__name__})", FAILED
    if (broken := getattr(getattr(error, "orig", None), "sqlite_errorname", None)) in BROKEN_FILES:
        return f"the file that SIGNET_DATABASE_URL names is not a SQLite database, or is damaged ({broken})", FAILED
    if isinstance(error, VaultError):
        return f"{error} and the configured SIGNET_SECRET_KEY", FAILED
    return None, FAILED


def _mistyped(error: typer.TyperException) -> str:
    """Return what is wrong with a command line, in our own words for values that pydantic checked."""
    if type(error.__cause__).__name__ == "ValidationError":
        from provider.config.problems import problems_of

        options = getattr(getattr(error, "param", None), "opts", ())
        problems = "; ".join(problem for _, problem in problems_of(error.__cause__))  # type: ignore[arg-type]
        return f"{max(options, key=len, default='the value')}: {problems}"
    return str(getattr(error, "format_message", error.__str__)()).replace("Invalid value: ", "")
