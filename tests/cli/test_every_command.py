"""What every command has: `--json`, an example in its help that could be typed, a quick start; and Tab completes it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provider.cli.run import command_line
from tests.support.installation import ISSUER, SECRET_KEY
from tests.support.server_process import REPOSITORY, environment

UNTIL_STOPPED = {"demo", "serve", "worker"}
"""They print nothing but their log, whose lines are JSON, and where the demo is."""


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    group = group or command_line()
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


EVERY = dict(commands())


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}


@pytest.mark.parametrize("name", EVERY)
def test_it_speaks_json_and_its_help_has_an_example_that_could_be_typed(name: str) -> None:
    command = EVERY[name]
    assert ("--json" in options(command)) == (name not in UNTIL_STOPPED)
    example = re.search(r"^Example: (.+)$", command.help, re.MULTILINE)
    assert example, command.help
    typed = [part for part in re.split(r", then | < | > ", example[1]) if part.startswith("signet ")]
    assert any(part.startswith(f"signet {name}") for part in typed)
    for part in typed:
        other = next(found for found in EVERY if part.startswith(f"signet {found}"))
        assert set(re.findall(r"--[a-z][a-z-]*", part)) <= options(EVERY[other]), part


def parameters(command: Any, path: str = "signet") -> Iterator[tuple[str, str]]:
    """Yield each option and argument of a command and of the commands below it, with its help."""
    for parameter in command.params:
        yield f"{path} {parameter.name}", getattr(parameter, "help", None) or ""
    for name, below in getattr(command, "commands", {}).items():
        yield from parameters(below, f"{path} {name}")


def test_every_option_and_argument_is_described_in_a_sentence() -> None:
    """docs/development/voice.md: what it does, its unit and its default, as a complete phrase."""
    sentence = re.compile(r"[A-Z].* .*[.]", re.DOTALL)
    assert [name for name, text in parameters(command_line()) if not sentence.fullmatch(text)] == []


def test_no_list_of_commands_cuts_a_sentence() -> None:
    """At 80 columns: `--help` shows the first sentence of each command whole."""
    groups = [
        command_line(),
        *(command for command in command_line().commands.values() if hasattr(command, "commands")),
    ]
    assert len(groups) > 1
    for group in groups:
        shown = group.get_help(group.make_context("signet", [], resilient_parsing=True, terminal_width=80))
        assert "..." not in shown.partition("Commands:")[2], shown


FOR_OTHERS = (
    "pydantic_settings",
    "starlette",
    "uvicorn",
    "alembic",
    "dramatiq",
    "structlog",
    "rich",
    "limits",
    "httpcore2",
    "jinja2",
    "PIL",
)
"""What only some commands need, and most would wait for."""
FOR_POSTGRESQL = ("psycopg", "sqlalchemy.dialects.postgresql")
FOR_TOKENS = ("joserfc", "cryptography.x509", "cryptography.hazmat.primitives.asymmetric")
FOR_ACCOUNTS = ("bcrypt", "email_validator", "pyotp")
FOR_STORES = ("sqlalchemy", "authlib", "cryptography", *FOR_TOKENS, *FOR_ACCOUNTS, *FOR_POSTGRESQL, *FOR_OTHERS)
NOT_LOADED = (
    # The later ones may load more, so that all of them are asked in one process.
    ("--version", ("pydantic", "provider.cli.client.commands", "provider.cli.user.commands", *FOR_STORES)),
    ("nonsense", ("provider.cli.client.commands", "provider.cli.user.commands", *FOR_STORES)),
    ("client create --help", ("provider.cli.user.commands", *FOR_STORES)),
    ("--help", FOR_STORES),
    ("settings", FOR_STORES),
    ("outbox list", (*FOR_TOKENS, *FOR_ACCOUNTS, *FOR_POSTGRESQL, *FOR_OTHERS)),
    (
        "client create --name Shop --type web --redirect-uri https://shop.example.com/callback",
        (*FOR_TOKENS, *FOR_ACCOUNTS, *FOR_POSTGRESQL, *FOR_OTHERS),
    ),
    ("client list", (*FOR_TOKENS, *FOR_ACCOUNTS, *FOR_POSTGRESQL, *FOR_OTHERS)),
    ("user list", (*FOR_TOKENS, *FOR_POSTGRESQL, *FOR_OTHERS)),
    ("audit", (*FOR_TOKENS, *FOR_POSTGRESQL, *FOR_OTHERS)),
    ("key list", (*FOR_POSTGRESQL, *FOR_OTHERS)),
    ("check", ("psycopg", "provider.app", *(name for name in FOR_OTHERS if name != "starlette"))),
)
"""Commands, and the modules each does without. Loading them is most of the time that a command takes."""
ASK = """
import json, sys
from provider.__main__ import main
loaded = []
for command in json.loads(sys.argv[1]):
    sys.argv[1:] = command.split()
    try:
        main()
    except SystemExit as ended:
        loaded.append([ended.code, sorted(sys.modules)])
print(json.dumps(loaded))
"""


@pytest.mark.only_on("sqlite")
def test_a_command_loads_only_what_it_needs(database_url: str) -> None:
    commands = [command for command, _ in NOT_LOADED]
    settings = {"SIGNET_DATABASE_URL": database_url, "SIGNET_SECRET_KEY": SECRET_KEY, "SIGNET_ISSUER": ISSUER}
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(commands)],
        env=environment(settings),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout.splitlines()[-1])
    assert [status for status, _ in answers] == [2 if name == "nonsense" else 0 for name in commands], done.stderr
    for (command, unwanted), (_, loaded) in zip(NOT_LOADED, answers, strict=True):
        assert not set(unwanted) & set(loaded), command


def test_the_shell_completes_commands_and_options(tmp_path: Path) -> None:
    signet = tmp_path / "signet"
    signet.write_text(f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m provider "$@"\n')
    signet.chmod(0o700)
    ask = """
    source <("$0" completion bash)
    COMP_WORDS=(signet key r); COMP_CWORD=2; _signet_completion "$0"; echo "${COMPREPLY[@]}"
    COMP_WORDS=(signet invalidate --k); COMP_CWORD=2; _signet_completion "$0"; echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", ask, signet], env=environment({}), capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["rotate remove revoke", "--keep-keys"], done.stderr
