"""Exports of audit events: JSON lines, or a CSV table without formulas."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from provider.audit.log import as_json
from provider.audit.store import AuditEvent

COLUMNS = ("at", "name", "user_id", "client_id", "network", "user_agent", "request_id", "id", "details")
TOGETHER = 250
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # spreadsheets read these too
"""Characters that begin a formula in some spreadsheets."""


def cell(value: Any) -> str:
    """Return the value as text that a spreadsheet shows and never runs (OWASP: CSV injection).

    Text that would begin a formula gets a leading apostrophe.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def as_csv(events: Iterable[AuditEvent], *, header: bool = True) -> Iterator[str]:
    """Yield the events as CSV rows, column names first. `details` is JSON."""
    if header:
        yield _row(COLUMNS)
    yield from _together(_row(_cells(event)) for event in events)


def as_rows(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield these values as CSV rows, in pieces of several rows."""
    yield from _together(_row(map(cell, row)) for row in rows)


def as_json_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Yield the events as JSON, one object per line."""
    yield from _together(json.dumps(as_json(event), ensure_ascii=False) + "\n" for event in events)


def _together(lines: Iterator[str]) -> Iterator[str]:
    """Join lines into larger pieces.

    Each piece of a response goes from one thread to another, which takes longer than producing a line.
    """
    while piece := "".join(islice(lines, TOGETHER)):
        yield piece


def _cells(event: AuditEvent) -> list[str]:
    values = as_json(event)
    values["details"] = json.dumps(values["details"], ensure_ascii=False)
    return [cell(values[column]) for column in COLUMNS]


def _row(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cells)  # RFC 4180: a quote or a line end within starts no cell
    return out.getvalue()
