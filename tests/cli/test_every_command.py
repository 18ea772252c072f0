"""What every command has: `--json`, an example in its help that could be typed, a quick start; and Tab completes it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provider.cli.run import command_line
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


def test_help_waits_for_nothing_that_it_does_not_need() -> None:
    """Half a second at each Tab otherwise."""
    script = "import sys, provider.cli.run as r; r.command_line(); print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment({}), capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & {"sqlalchemy", "pydantic_settings", "starlette", "alembic", "cryptography"}


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
    assert done.stdout.split("\n")[:2] == ["rotate revoke", "--keep-keys"], done.stderr
