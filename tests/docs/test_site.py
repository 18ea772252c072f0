"""The documentation site: every page is in its navigation, says whom it is for, and opens without the network."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from tests.support.server_process import REPOSITORY

DOCS = REPOSITORY / "docs"
CONFIGURATION = tomllib.loads((REPOSITORY / "zensical.toml").read_text("utf-8"))["project"]
AUDIENCE = re.compile(r"^For ")


def pages() -> list[str]:
    return sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def in_navigation(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from in_navigation(below if isinstance(below, list) else [below])


def test_every_page_is_in_the_navigation_once() -> None:
    assert sorted(in_navigation(CONFIGURATION["nav"])) == pages()


def test_every_page_says_in_its_first_line_whom_it_is_for() -> None:
    first = {page: (DOCS / page).read_text("utf-8").split("\n\n")[1] for page in pages()}
    assert [page for page, line in first.items() if not AUDIENCE.match(line)] == []


def test_every_guide_says_what_can_go_wrong() -> None:
    guides = [page for page in pages() if page.startswith("guides/")]
    assert [page for page in guides if "\n## What can go wrong\n" not in (DOCS / page).read_text("utf-8")] == []


def test_no_page_loads_anything_from_another_site() -> None:
    loaded = re.compile(r"!\[[^\]]*\]\(https?:|<(?:img|script|link|iframe)[^>]*https?://")
    assert [page for page in pages() if loaded.search((DOCS / page).read_text("utf-8"))] == []
    assert CONFIGURATION["theme"]["font"] is False, "the fonts of the theme come from another site"
    assert "site_url" not in CONFIGURATION, "the site works below any path"
