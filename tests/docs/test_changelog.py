"""The version is the same wherever it is stated, and CHANGELOG.md is in the form of Keep a Changelog 1.1.0."""

import json
import re

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from provider import __version__
from provider.cli.run import run
from tests.support.server_process import REPOSITORY

CHANGELOG = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
GROUPS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
VERSION = re.compile(r"^## (?:(?P<number>\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d|Unreleased)\n", re.MULTILINE)


def versions() -> list[tuple[str, str]]:
    """Return each version with the text of its section, the newest first. Unreleased changes have no number."""
    starts = list(VERSION.finditer(CHANGELOG))
    ends = [start.start() for start in starts[1:]] + [len(CHANGELOG)]
    return [(start["number"] or "", CHANGELOG[start.end() : end]) for start, end in zip(starts, ends, strict=True)]


def test_command_openapi_documents_and_changelog_state_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--version"])
    documents = [
        json.loads((REPOSITORY / f"docs/reference/{name}-api.json").read_text("utf-8")) for name in ("account", "admin")
    ]
    assert {
        "signet --version": capsys.readouterr().out,
        "OpenAPI documents": [document["info"]["version"] for document in documents],
        "CHANGELOG.md": next(number for number, _ in versions() if number),
    } == {
        "signet --version": f"signet {__version__}\n",
        "OpenAPI documents": [__version__, __version__],
        "CHANGELOG.md": __version__,
    }


def test_every_version_has_groups_of_keep_a_changelog_and_upgrade_notes() -> None:
    found = versions()
    headings = re.findall(r"^## .*\n", CHANGELOG, re.MULTILINE)
    assert len(headings) == len(found), "each version is a line such as: ## 0.2.0 - 2026-11-29"
    numbers = [number for number, _ in found if number]
    assert numbers == sorted(set(numbers), key=lambda number: [int(part) for part in number.split(".")], reverse=True)
    for (number, text), (previous, _) in zip(found, [*found[1:], ("", "")], strict=True):
        groups = re.findall(r"^### (.*)$", text, re.MULTILINE)
        upgrade = [f"Upgrading from {previous}"] if number and previous else []
        assert groups[: len(upgrade)] == upgrade, number
        assert set(groups[len(upgrade) :]) <= GROUPS, (number, groups)
        assert len(groups) == len(set(groups)), (number, "has a group twice")


def test_the_upgrade_notes_name_the_last_migration() -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(REPOSITORY / "migrations"))
    head = ScriptDirectory.from_config(configuration).get_current_head()
    assert str(head) in CHANGELOG, f"say in the upgrade notes what migration {head} means for an installation"
