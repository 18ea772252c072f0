"""The whole command line: assemble the groups and run one command. An expected failure prints one line to stderr and
exits with a non-zero status.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from provider import __version__
from provider.cli import completion
from provider.refusals import Refusal

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""The exit statuses of `signet`."""
BROKEN_FILES = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
"""SQLite's errors for a file that it cannot read (https://www.sqlite.org/rescode.html)."""
COMMANDS = {
    "demo": "service:demo",
    "serve": "service:serve",
    "worker": "service:worker",
    "migrate": "service:migrate",
    "check": "check:check",
    "doctor": "doctor:doctor",
    "settings": "settings:settings",
    "user": "user.group:app",
    "group": "groups:app",
    "client": "client.group:app",
    "attribute": "attributes:app",
    "details-type": "details_types:app",
    "issuer": "issuers:app",
    "upstream": "upstream.commands:app",
    "claims": "claims:app",
    "provisioning": "provisioning:app",
    "signals": "signals:app",
    "apply": "apply:apply",
    "key": "keys:app",
    "session": "sessions:app",
    "audit": "records:audit",
    "explain": "records:explain",
    "inspect": "inspection:inspect",
    "outbox": "outbox:app",
    "webhook": "webhooks:app",
    "purge": "service:purge",
    "invalidate": "invalidate:invalidate",
    "export": "transfer:export",
    "import": "transfer:import_",
    "test-server": "for_tests:serve_tests",
    "completion": "completion:completion",
}
"""The commands and groups as `--help` lists them: name to module of `provider.cli` and attribute."""


class CommandsOnDemand(Mapping[str, Any]):
    """The commands and groups of COMMANDS, each loaded when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return _load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def command_line() -> TyperGroup:
    """Build the tree of commands, once per process. Each is loaded when it is looked up."""
    signet = _typer(
        name="signet",
        help="Signet, an OAuth 2.0 and OpenID Connect provider. Configure it with SIGNET_* environment variables.",
        no_args_is_help=True,
    )
    signet.callback()(_general)
    root = _group(signet)
    root.commands = CommandsOnDemand()  # type: ignore[assignment]  # nothing adds commands later
    return root


@cache
def _load(name: str) -> Any:
    """Load one command or group. Raises KeyError for an unknown name."""
    module, _, attribute = COMMANDS[name].partition(":")
    found = getattr(import_module(f"provider.cli.{module}"), attribute)
    parent = _typer()
    parent.callback()(lambda: None)  # with a callback, typer builds a group also around a single command
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name=name)(found)
    return _group(parent).commands[name]


def _typer(**options: Any) -> typer.Typer:
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **options)


def _group(built_from: typer.Typer) -> TyperGroup:
    group = typer.main.get_command(built_from)
    assert isinstance(group, TyperGroup)  # noqa: S101  # it has a callback
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
    """Signet, an OAuth 2.0 and OpenID Connect provider. Configure it with SIGNET_* environment variables."""


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
        return (
            f"cannot reach the database ({type(error).__name__}). Check that it is running, and SIGNET_DATABASE_URL.",
            FAILED,
        )
    if (broken := getattr(getattr(error, "orig", None), "sqlite_errorname", None)) in BROKEN_FILES:
        return f"the file in SIGNET_DATABASE_URL is damaged or not a SQLite database ({broken})", FAILED
    if isinstance(error, VaultError):
        return f"{error}. Set SIGNET_SECRET_KEY to the key that it was encrypted with.", FAILED
    return None, FAILED


def _mistyped(error: typer.TyperException) -> str:
    """Return what is wrong with a command line, in our own words for values that pydantic checked."""
    if type(error.__cause__).__name__ == "ValidationError":
        from provider.config.problems import problems_of

        options = getattr(getattr(error, "param", None), "opts", ())
        problems = "; ".join(problem for _, problem in problems_of(error.__cause__))  # type: ignore[arg-type]
        return f"{max(options, key=len, default='the value')}: {problems}"
    return str(getattr(error, "format_message", error.__str__)()).replace("Invalid value: ", "")
