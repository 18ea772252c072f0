"""What commands print: no value is ever shortened, at a terminal or through a pipe."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from provider.cli.output import plain_text, print_rows
from tests.support.names import FAMILY, PERSIAN

KID = "V1tqXkMkS4V_VtvHVDMq38nLyW04CgYgcZakrlBiJSQ"
COLUMNS = ("kid", "alg", "state", "created_at", "expires_at")
ROW = {"kid": KID, "alg": "RS256", "state": "current", "created_at": "2026-11-28T10:00:00Z", "expires_at": None}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`printed(stream, rows)` is what `print_rows` writes to a stream, by lines, 80 columns wide."""

    def call(stream: io.StringIO, rows: list[dict[str, Any]]) -> list[str]:
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setattr("sys.stdout", stream)
        print_rows(rows, COLUMNS, as_json=False)
        return stream.getvalue().splitlines()

    return call


def test_names_are_printed_whole_and_control_no_terminal() -> None:
    assert plain_text(f"{PERSIAN} {FAMILY} \u05d0\u200f") == f"{PERSIAN} {FAMILY} \u05d0\u200f"
    assert plain_text("a\x1b[31m\u202e\u2066b\x9b\n") == "a?[31mb??"


def test_a_table_drops_columns_instead_of_shortening_values(printed: Callable[..., list[str]]) -> None:
    title, row, note = printed(Terminal(), [ROW])
    assert title.split() == ["kid", "alg", "state"]
    assert row.split() == [KID, "RS256", "current"]
    assert note == "Hidden columns: created at, expires at. Use --json to see them."


def test_an_id_wider_than_the_terminal_is_printed_whole(printed: Callable[..., list[str]]) -> None:
    assert "k" * 200 in printed(Terminal(), [{**ROW, "kid": "k" * 200}])[1]


def test_a_pipe_gets_every_column_separated_by_tabs(printed: Callable[..., list[str]]) -> None:
    assert printed(io.StringIO(), [ROW, {**ROW, "kid": "a\tb"}]) == [
        f"{KID}\tRS256\tcurrent\t2026-11-28T10:00:00Z\t-",
        "a?b\tRS256\tcurrent\t2026-11-28T10:00:00Z\t-",
    ]
    assert printed(io.StringIO(), []) == []
