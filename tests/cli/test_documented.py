"""The `signet` commands that the documents mention are commands of ours, with the options they are given.

Those of docs/operate/operate.md are run, in tests/docs; these stand in the middle of something, or in a sentence.
"""

import re
from typing import Any

import pytest

from provider.cli.run import command_line
from tests.support.server_process import REPOSITORY

DOCUMENTS = sorted(path.relative_to(REPOSITORY / "docs").as_posix() for path in (REPOSITORY / "docs").rglob("*.md"))
_COMMAND = re.compile(r"(?:^ {4}|`|\| |^)signet ([a-z][^`#\n]*)", re.MULTILINE)


def mentioned(document: str) -> list[str]:
    """Each command; of `a | b ID` that share their group, each."""
    text = (REPOSITORY / "docs" / document).read_text().replace("\\\n", " ")
    found = []
    for match in _COMMAND.finditer(text):
        first, *others = match[1].rstrip().split(" | ")
        group = first.split()[0]
        found += [first, *(f"{group} {other}" for other in others if re.fullmatch("[a-z-]+ [A-Z]+", other))]
    return found


def test_there_are_many() -> None:
    assert sum(len(mentioned(document)) for document in DOCUMENTS) > 60


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_mentions_exists(document: str) -> None:
    root: Any = command_line()
    for text in mentioned(document):
        command, words = root, text.split()
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, text
            command = command.commands[words.pop(0)]
        options = {
            option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]
        } | {"--help"}
        assert set(re.findall(r"--[a-z][a-z-]*", text)) <= options, text
