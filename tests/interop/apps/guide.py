"""A guide of docs/connect/apps, read as its reader does: which commands to type, and which files to write."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "docs/connect/apps"
LIST = (FOLDER / "index").with_suffix(".md")
"""The page that lists the guides, with the versions of the last run."""
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TESTED = re.compile(r"^Tested with (.+) and Signet ([\d.]+) on (\d+ \w+ \d{4})\.$", re.MULTILINE)
NOT_RUN = re.compile(r"^Not run: .+$", re.MULTILINE)
COMMAND = re.compile(r"(?:^|\| )signet .+")
"""A `signet` command in a line of a block."""
ISSUER = "https://id.example.com"
"""What every guide calls the issuer."""
SECRET = "YOUR_CLIENT_SECRET"
"""What every guide writes for the client secret."""


@dataclass(frozen=True)
class Block:
    """A block of code. `title` is the file it belongs into, or what it is."""

    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Guide:
    """The guide of one app."""

    name: str
    text: str

    @classmethod
    def read(cls, name: str) -> "Guide":
        return cls(name, (FOLDER / f"{name}.md").read_text("utf-8"))

    @property
    def blocks(self) -> list[Block]:
        return [Block(*found) for found in BLOCK.findall(self.text)]

    def block(self, title: str) -> Block:
        """Return the only block with this title."""
        (found,) = [block for block in self.blocks if block.title == title]
        return found

    @property
    def commands(self) -> list[str]:
        """Each line with a `signet` command, in order. A line may pipe something into it."""
        joined = [block.text.replace("\\\n", " ") for block in self.blocks if block.language == "sh"]
        lines = [line for text in joined for line in text.splitlines()]
        return [line for line in lines if COMMAND.search(line)]

    def record(self, *, app: str, signet: str) -> None:
        """Write the versions of a run that succeeded, and its day, into the page."""
        day = datetime.now(UTC).strftime("%-d %B %Y")
        _, _, audience, _, version, *_ = self.text.splitlines()
        assert TESTED.fullmatch(version) or NOT_RUN.fullmatch(version), (
            f"{self.name}.md: {version!r} after {audience!r}"
        )
        text = self.text.replace(version, f"Tested with {app} and Signet {signet} on {day}.", 1)
        (FOLDER / f"{self.name}.md").write_text(text, "utf-8")


def guides() -> list[Guide]:
    """Return the guides of all apps, without the page that lists them."""
    return [Guide.read(path.stem) for path in sorted(FOLDER.glob("*.md")) if path != LIST]


def substituted(text: str, stand_ins: Mapping[str, str]) -> str:
    """Return a text of a guide for this run: its example addresses and secrets replaced, the longest first."""
    for printed in sorted(stand_ins, key=len, reverse=True):
        text = text.replace(printed, stand_ins[printed])
    return text
