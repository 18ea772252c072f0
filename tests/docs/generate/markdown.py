"""Tables and texts in Markdown."""

import re
from collections.abc import Iterable

from tests.support.server_process import REPOSITORY

DOCS = REPOSITORY / "docs"
CODE = re.compile(
    r"""(?<![`\w])(
    SIGNET_\w+(?:=[\w.:-]+)?        # a setting
    |[a-z]+(?:_[a-z0-9]+)+          # a name with underscores
    |[a-z+]+:/{2,3}[\w.:/@-]*[\w/]  # a URL
    |\#rrggbb|\*\.[\w.]+\w
    |\d[\d.]+:\d+                   # an address and a port
    )(?![`\w])""",
    re.VERBOSE,
)
"""What is code in a text that terminals and pages show without markup."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(_cell(text) for text in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def first_sentence(text: str) -> str:
    return re.split(r"(?<=[.?])\s", " ".join(text.split()), maxsplit=1)[0]


def slug(heading: str) -> str:
    """Return a heading as the name of a part, which is its anchor as well."""
    return re.sub(r"[^a-z]+", "-", heading.lower())


def as_code(text: str) -> str:
    """Return a plain text with backticks around the names, values and URLs in it."""
    return CODE.sub(r"`\1`", text)


def links(text: str) -> str:
    """Return a text in which each path of a document, such as docs/reference/events.md, is a link to it."""
    return re.sub(r"docs/([\w/-]+/([\w-]+)\.md)", r"[\2](../\1)", text)
