"""The `signet` commands that the documents mention are commands of ours, with the options they are given.

Those of the pages about operating Signet are run, in tests/docs; these are part of something else, or of a sentence.
"""

import re
from pathlib import Path
from typing import Any

from provider.cli.run import command_line
from tests.support.server_process import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
_COMMAND = re.compile(r"(?:^ {4}|`|\| |^)signet ([a-z][^`#\n]*)", re.MULTILINE)
_TARGET = re.compile(r"(?:^ {4}|`)make ([a-z-]+)", re.MULTILINE)


def mentioned(document: Path) -> list[str]:
    """Return each command of a document; of `a | b ID` that share their group, each."""
    text = document.read_text("utf-8").replace("\\\n", " ")
    found = []
    for match in _COMMAND.finditer(text):
        first, *others = match[1].rstrip().split(" | ")
        group = first.split()[0]
        found += [first, *(f"{group} {other}" for other in others if re.fullmatch("[a-z-]+ [A-Z]+", other))]
    return found


def test_the_commands_that_documents_mention_exist_with_their_options() -> None:
    root: Any = command_line()
    commands = [(document, text) for document in DOCUMENTS for text in mentioned(document)]
    assert len(commands) > 60
    for document, text in commands:
        command, words = root, text.split()
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, (document.name, text)
            command = command.commands[words.pop(0)]
        options = {
            option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]
        } | {"--help"}
        assert set(re.findall(r"--[a-z][a-z-]*", text)) <= options, (document.name, text)


def test_the_make_targets_that_documents_mention_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {(each.name, target) for each in DOCUMENTS for target in _TARGET.findall(each.read_text("utf-8"))}
    assert len(named) > 10
    assert {(document, target) for document, target in named if target not in targets} == set()
