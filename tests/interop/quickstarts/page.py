"""A page of docs/connect or docs/protect as its reader uses it: the files to create and the commands to type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.server_process import REPOSITORY

FENCE = re.compile(r'^```(?P<language>\w+)(?: title="(?P<file>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)
NUMBERED = re.compile(r"^## \d+\. .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ADD = " (add to the end)"
"""How the name of a file ends that exists already."""
DEMO_PORT = 8000
DEMO_PORTS = range(DEMO_PORT, DEMO_PORT + 26)
"""The ports of `signet demo`: the provider, the sample apps and the mailbox."""


@dataclass(frozen=True)
class Block:
    """A block of code: the content of a file, commands for a shell, or else what the reader sees."""

    language: str
    file: str | None
    text: str


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].removeprefix("# ")

    @cached_property
    def blocks(self) -> list[Block]:
        return blocks(self.text)

    @property
    def files(self) -> dict[str, str]:
        return {block.file: block.text for block in self.blocks if block.file}

    @property
    def numbered(self) -> list[Block]:
        """The blocks of the numbered sections, which the reader follows in order. Other sections show what is different
        in production.
        """
        return blocks("".join(NUMBERED.findall(self.text)))

    @property
    def registrations(self) -> list[str]:
        """The commands that register clients."""
        return [command for command in _commands(self.numbered) if "signet client create" in command]

    @property
    def steps(self) -> list[Block]:
        """What the reader does after that, in order: files to save and commands to type."""
        done = (block for block in self.numbered if block.file or block.language == "sh")
        return [block for block in done if block.text not in self.registrations]

    @property
    def commands(self) -> list[str]:
        """All commands of the page."""
        return _commands(self.blocks)

    @property
    def ports(self) -> list[int]:
        """The ports of the app, in the order in which the page names them."""
        named = (int(port) for port in re.findall(r"(?:localhost|127\.0\.0\.1):(\d+)", self.text))
        return [port for port in dict.fromkeys(named) if port not in DEMO_PORTS]


def blocks(text: str) -> list[Block]:
    return [Block(**found.groupdict()) for found in FENCE.finditer(text)]


def _commands(of: list[Block]) -> list[str]:
    return [block.text for block in of if block.language == "sh" and not block.file]


def substituted(text: str, *, ports: Mapping[int, int], clients: list[tuple[str, str]]) -> str:
    """Return a block with what differs here from the page. Nothing else of a page is changed.

    `ports` says which free port stands for one of the page. YOUR_CLIENT_ID and YOUR_CLIENT_SECRET are those of the last
    of `clients`.
    """
    text = re.sub(r"\b\d{4,5}\b", lambda found: str(ports.get(int(found[0]), found[0])), text)
    for client_id, secret in clients[-1:]:
        text = text.replace("YOUR_CLIENT_ID", client_id).replace("YOUR_CLIENT_SECRET", secret)
    return text


def quickstarts() -> list[Page]:
    """Return every page with a block that registers a client."""
    pages = [
        Page(path)
        for folder in ("connect", "protect")
        for path in sorted((REPOSITORY / "docs" / folder).glob("*.md"))
        if path.stem != "index"
    ]
    return [page for page in pages if any("signet client create" in text for text in page.commands)]
