"""Events as a file: JSON lines, or a CSV table in which no cell is a formula."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from provider.audit.log import told
from provider.audit.store import AuditEvent

COLUMNS = ("at", "name", "user_id", "client_id", "network", "user_agent", "request_id", "id", "details")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # spreadsheets read these too
"""What begins a formula, in some spreadsheet."""


def cell(value: Any) -> str:
    """A value as a spreadsheet shows it and never carries it out (OWASP: CSV injection): what would begin a formula
    follows an apostrophe.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def as_csv(events: Iterable[AuditEvent], *, header: bool = True) -> Iterator[str]:
    """Line by line, the names of the columns first; `details` is JSON."""
    if header:
        yield _row(COLUMNS)
    for event in events:
        values = told(event)
        values["details"] = json.dumps(values["details"], ensure_ascii=False)
        yield _row([cell(values[column]) for column in COLUMNS])


def as_json_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """One object a line."""
    for event in events:
        yield json.dumps(told(event), ensure_ascii=False) + "\n"


def _row(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cells)  # RFC 4180: a quote or a line end within starts no cell
    return out.getvalue()
