"""The guides of docs/connect/apps, as far as they can be checked without the apps. `make test-apps` runs the apps."""

import ast
import configparser
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from provider.cli.run import command_line
from tests.interop.apps.guide import LIST, NOT_RUN, SECRET, TESTED, Block, guides
from tests.interop.apps.run import END, RUN, START, script_of
from tests.interop.apps.run import NOT_RUN as FROM_DOCUMENTATION
from tests.support.server_process import REPOSITORY

SCRIPTS = REPOSITORY / "tests/interop/apps"
HELPERS = {"__init__", "guide", "install", "kubectl_oidc_login", "run", "workbench"}
SECTIONS = ["What you get", "1. Register", "2. Assign", "3. Configure", "4. Sign in", "Roles", "Sign out"]
SECTIONS += ["If it doesn't work"]
"""What the sections of every guide begin with, in this order. *Good to know* may follow."""
ERRORS = re.compile(r"^\| `[^`]+`", re.MULTILINE)
"""A row that begins with the app's own error text."""


def ini(text: str) -> None:
    # Some apps read settings before the first section.
    configparser.ConfigParser(interpolation=None).read_string(text if text.lstrip().startswith("[") else f"[-]\n{text}")


PARSERS: Mapping[str, Callable[[str], Any]] = {
    "python": ast.parse,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
    "json": json.loads,
    "ini": ini,
}
NOT_PARSED = {"sh", "bash", "text", "php", "hcl"}


def wrong_with(block: Block) -> str | None:
    """Return why a block of configuration cannot be read, if so."""
    if block.language in NOT_PARSED:
        return None
    if block.language not in PARSERS:
        return f"nothing here reads {block.language}"
    try:
        PARSERS[block.language](block.text)
    except (SyntaxError, ValueError, yaml.YAMLError, configparser.Error) as error:
        return str(error)
    return None


def unknown_in(line: str, root: Any) -> str | None:
    """Return what Signet does not know in a line with a `signet` command."""
    words = line.rpartition("| ")[2].split() if "| signet" in line else line.split()
    command, rest = root, words[1:]
    while rest and hasattr(command, "commands"):
        if rest[0] not in command.commands:
            return f"no command {rest[0]}"
        command = command.commands[rest.pop(0)]
    known = {option for each in command.params for option in [*each.opts, *each.secondary_opts]}
    return next((f"no option {word}" for word in rest if re.match(r"--\w", word) and word not in known), None)


def test_every_guide_says_for_whom_it_is_and_what_it_was_tested_with() -> None:
    found = guides()
    assert len(found) > 10
    wrong = []
    for guide in found:
        title, _, audience, _, version, *_ = guide.text.splitlines()
        is_good = title.startswith("# ") and audience.startswith("For ")
        if not is_good or not (TESTED.fullmatch(version) or NOT_RUN.fullmatch(version)):
            wrong.append(f"{guide.name}: {title!r}, {audience!r}, {version!r}")
    assert not wrong, "\n".join(wrong)


def test_every_guide_has_the_same_sections_and_explains_errors_of_the_app() -> None:
    wrong = []
    for guide in guides():
        found = re.findall(r"^## (.+)$", guide.text, re.MULTILINE)
        if len(found) not in {8, 9} or not all(map(str.startswith, found, [*SECTIONS, "Good to know"])):
            wrong.append(f"{guide.name}: {found}")
        if len(ERRORS.findall(guide.text.rpartition("## If it doesn't work")[2])) < 3:
            wrong.append(f"{guide.name} explains fewer than three errors")
    assert not wrong, "\n".join(wrong)


def test_every_guide_that_was_tested_has_a_script_and_every_script_a_guide() -> None:
    tested = {script_of(guide) for guide in guides() if TESTED.search(guide.text)}
    assert tested == {path.stem for path in SCRIPTS.glob("*.py")} - HELPERS


def test_every_guide_is_in_the_table_of_the_last_run() -> None:
    table = LIST.read_text("utf-8").partition(START)[2].partition(END)[0]
    for guide in guides():
        (row,) = [row for row in table.splitlines() if f"]({guide.name}.md)" in row]
        found = TESTED.search(guide.text)
        cells = (RUN, *found.groups()) if found else (FROM_DOCUMENTATION,)
        assert all(cell in row for cell in cells), row


def test_every_guide_registers_its_app_and_all_its_signet_commands_exist() -> None:
    root = command_line()
    wrong = []
    for guide in guides():
        if [line.startswith("signet client create ") for line in guide.commands].count(True) != 1:
            wrong.append(f"{guide.name} registers the app with more or less than one `signet client create`")
        found = {line: unknown_in(line, root) for line in guide.commands}
        wrong += [f"{guide.name}: {why} in {line}" for line, why in found.items() if why]
    assert not wrong, "\n".join(wrong)


def test_every_block_of_configuration_can_be_parsed() -> None:
    found = {(guide.name, block): wrong_with(block) for guide in guides() for block in guide.blocks}
    wrong = [f"{name}, {block.title or block.text}: {why}" for (name, block), why in found.items() if why]
    assert not wrong, "\n".join(wrong)


def test_the_secret_that_signet_prints_has_a_place_in_the_configuration() -> None:
    without = [
        guide.name
        for guide in guides()
        if not any(SECRET in block.text for block in guide.blocks)
        and not any("--type native" in line or "--public" in line for line in guide.commands)
    ]
    assert not without, without
