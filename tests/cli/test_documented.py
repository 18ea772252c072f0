"""The commands in docs/operate.md are commands of ours, with the options it gives them."""

import re
from typing import Any

import typer

from provider.cli.run import command_line
from tests.server_process import REPOSITORY


def documented() -> list[str]:
    """Each command of the indented blocks: comments and notes are cut off, `a | b` are two."""
    blocks = re.findall(r"(?:^ {4}.*\n)+", (REPOSITORY / "docs/operate.md").read_text(), re.MULTILINE)
    lines = re.sub(r"\n {8,}", " ", "\n".join(blocks)).splitlines()
    found = []
    for line in lines:
        text = re.split(r" {3,}|#", line.strip())[0]
        match = re.match(r"(?:SIGNET_\w+=\S+ )?signet (.+)", text)
        if match:
            first, *others = re.sub(r"\[\w+\||FILE\|-", "", match[1]).split(" | ")
            group = first.split()[0]
            found += [first, *(f"{group} {other}" for other in others)]
    return found


def test_every_documented_command_exists_with_its_options() -> None:
    root: Any = typer.main.get_command(command_line())
    assert len(documented()) > 25
    for text in documented():
        command, words = root, text.split()
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, text
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z][a-z-]*", text)) <= options, text
