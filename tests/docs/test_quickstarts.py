"""The code of every quickstart is what it says it is, and `signet` has the commands that it names.

`make test-quickstarts` runs them; this needs no network.
"""

import ast
import json
import re
import shlex
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from provider.cli.run import command_line
from tests.interop.quickstarts.every_page import RUN
from tests.interop.quickstarts.page import Block, Page, quickstarts
from tests.support.server_process import REPOSITORY

PAGES = {page.name: page for page in quickstarts()}
BY_LANGUAGE: dict[str, Callable[[str], object]] = {
    "python": ast.parse,
    "json": json.loads,
    "toml": tomllib.loads,
    "xml": ET.fromstring,
    "yaml": yaml.safe_load,
}
NOT_PARSED = {"js", "javascript", "ts", "html", "jsx", "java", "go", "apache", "text"}
"""No parser here is at hand, or it is what the reader sees."""
SECTIONS = [
    "What you need", "N.", "What you should see", "Sign out", "If it doesn't work", "In production", "Next steps",
]  # fmt: skip
"""The headings of each quickstart. Those of the numbered steps are free."""
WITHOUT_USERS = {"connect/service", "protect/fastapi"}
"""They have "Revoke access" in place of "Sign out"."""


def problem(block: Block) -> str | None:
    """Return what is wrong with a block of code."""
    try:
        if block.language == "sh":
            done = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
            return done.stderr or None
        if block.language not in NOT_PARSED:
            BY_LANGUAGE[block.language](block.text)
    except KeyError:
        return f"no language is called {block.language}"
    except (SyntaxError, ValueError, ET.ParseError, yaml.YAMLError) as error:
        return f"{block.file or block.language}: {error}"
    return None


@cache
def commands() -> dict[str, set[str]]:
    """Return every command of `signet` with its options."""

    def walk(group: Any, path: str) -> Iterator[tuple[str, set[str]]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, f"{path}{name} ")
            else:
                options = {
                    option for parameter in command.params for option in parameter.opts + parameter.secondary_opts
                }
                yield f"{path}{name}", {*options, "--help"}

    return dict(walk(command_line(), ""))


def unknown(line: str) -> list[str]:
    """Return what `signet` does not know of a line that calls it."""
    words = shlex.split(line, comments=True)[1:]
    name = next((" ".join(words[:length]) for length in (2, 1) if " ".join(words[:length]) in commands()), None)
    if name is None:
        return [f"no command: {line}"]
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    return [f"signet {name} has no {option}" for option in sorted(options - commands()[name])]


def signet_lines(page: Page) -> list[str]:
    """Return the calls of `signet` in the commands and the text of a page."""
    typed = [line for text in page.commands for line in text.replace("\\\n", " ").splitlines()]
    return [line for line in typed if line.startswith("signet ")] + re.findall(r"`(signet [a-z][^`]*)`", page.text)


@pytest.mark.parametrize("name", PAGES)
def test_a_quickstart_parses_and_calls_commands_that_exist(name: str) -> None:
    page = PAGES[name]
    wrong = [found for block in page.blocks if (found := problem(block))]
    wrong += [each for line in signet_lines(page) for each in unknown(line)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", PAGES)
def test_a_quickstart_has_the_sections_of_all_and_says_what_it_ran_with(name: str) -> None:
    page = PAGES[name]
    audience, tested = page.text.split("\n\n")[1:3]
    assert audience.startswith("For ")
    assert tested.startswith("Tested with Signet "), "make test-quickstarts writes the versions of its last run"
    found = [re.sub(r"^\d+\..+", "N.", heading) for heading in re.findall(r"^## (.+)$", page.text, re.MULTILINE)]
    expected = ["Revoke access" if name in WITHOUT_USERS and each == "Sign out" else each for each in SECTIONS]
    assert list(dict.fromkeys(found)) == expected


def test_every_quickstart_is_run_by_a_test_and_listed() -> None:
    """tests/interop/quickstarts names each, and docs/connect/index.md links it."""
    index = (REPOSITORY / "docs/connect/index.md").read_text()
    assert set(PAGES) == RUN
    for page in PAGES.values():
        assert f"{page.path.name})" in index, page.name


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        (Block("python", "app.py", "def f(:\n"), True),
        (Block("sh", None, "if true; then\n"), True),
        (Block("sh", None, "export A=b\n"), False),
        (Block("xml", "pom.xml", "<a></b>"), True),
        (Block("nosuch", None, ""), True),
    ],
)
def test_a_block_with_a_mistake_is_found(block: Block, *, wrong: bool) -> None:
    assert bool(problem(block)) == wrong


def test_a_command_or_an_option_that_does_not_exist_is_found() -> None:
    assert unknown("signet client make --name x") == ["no command: signet client make --name x"]
    assert unknown("signet client create --name x --nosuch") == ["signet client create has no --nosuch"]
    assert unknown("signet explain ERROR_ID") == []
