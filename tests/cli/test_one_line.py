"""A setting that cannot work is one line from every command, and never a traceback."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from provider import __version__
from provider.cli import run
from provider.cli.run import FAILED, USAGE
from tests.cli.conftest import Signet
from tests.cli.test_every_command import EVERY

WITHOUT_SETTINGS = {"completion", "demo", "test-server"}
"""They read no settings: the demo and the test server have their own."""


def arguments_for(command: Any) -> list[str]:
    """The least that can be typed: an id for every argument, a value for every option that is needed."""
    typed: list[str] = []
    for parameter in command.params:
        if parameter.required:
            value = str(uuid.UUID(int=1))
            typed += [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]
    return typed


@pytest.fixture
def built_once(environ: pytest.MonkeyPatch) -> None:
    """The command line is built once: building it takes longer than a command that refuses a setting."""
    root = run.command_line()
    environ.setattr(run, "command_line", lambda: root)


@pytest.mark.usefixtures("built_once")
@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SIGNET_DATABASE_URL", "mysql://me:hunter2@host/signet", "mysql:// is not supported"),
        ("SIGNET_REDIS_URL", "redis://:hunter2@host:port/0", "must be redis://"),
        ("SIGNET_DATABASE_URL", "sqlite:////nowhere/signet.db", "database"),
        pytest.param("SIGNET_DATABASE_URL", f"sqlite:///{Path(__file__)}", "database", marks=pytest.mark.slow),
    ],
)
def test_a_setting_that_cannot_work_is_one_line_from_every_command(
    name: str, value: str, problem: str, environ: pytest.MonkeyPatch, signet: Signet
) -> None:
    environ.setenv(name, value)
    environ.setenv("SIGNET_BCRYPT_COST", "12")  # or `serve` would say that first
    for text, command in EVERY.items():
        if text in WITHOUT_SETTINGS:
            continue
        ran = signet(*text.split(), *arguments_for(command), stdin="{}")
        told = ran.out + ran.err
        if text == "settings" and "sqlite" in value:
            continue  # it shows them, and opens no database
        assert ran.status in {FAILED, USAGE}, text
        assert ran.status == USAGE or problem in told or "No such file" in told, (text, told)
        assert ran.err.count("\n") == 1 or (text in {"check", "doctor"} and not ran.err), (text, ran.err)
        assert "hunter2" not in ran.out + ran.err, text


def test_a_missing_file_of_upstreams_is_one_line(environ: pytest.MonkeyPatch, signet: Signet) -> None:
    environ.setenv("SIGNET_UPSTREAMS", "/nowhere/upstreams.toml")
    environ.setenv("SIGNET_BCRYPT_COST", "12")
    assert signet("user", "list").status == 0  # it needs none
    for command in (("serve", "--port", "0"), ("check",)):
        ran = signet(*command)
        assert ran.status == FAILED
        assert (
            "SIGNET_UPSTREAMS: /nowhere/upstreams.toml cannot be read: No such file or directory" in ran.out + ran.err
        )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("serve", "--port", "many"), "signet: --port: must be a whole number"),
        (("serve", "--drain", "soon"), "signet: --drain: must be a number"),
        (("worker", "--threads", "99"), "signet: --threads: must be 32 or less"),
        (("client", "list", "--limit", "0"), "signet: --limit: must be 1 or more"),
    ],
)
def test_a_mistyped_option_is_said_in_our_words(arguments: tuple[str, ...], line: str, signet: Signet) -> None:
    ran = signet(*arguments)
    assert (ran.status, ran.err) == (USAGE, f"{line}\n")


def test_the_version_is_shown(signet: Signet) -> None:
    ran = signet("--version")
    assert (ran.status, ran.out) == (0, f"signet {__version__}\n")


def test_help_of_a_group_keeps_its_lines(signet: Signet) -> None:
    ran = signet("client")
    assert ran.status == USAGE
    assert ran.err.startswith("Usage: signet client")
    assert "\n  create" in ran.err
