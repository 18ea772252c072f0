"""The output of commands: JSON for machines, tables and sentences for people."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def plain(value: Any) -> Any:
    """Convert a value for JSON. Times become RFC 3339 text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str):
        return [plain(part) for part in value]
    return value


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def say(sentence: str, value: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what was changed: a sentence for people, or the values as JSON."""
    if as_json:
        print_json(value)
    else:
        sys.stdout.write(f"{sentence}\n")


def warn(sentence: str) -> None:
    """Print a warning as one line on stderr, also with --json."""
    sys.stderr.write(f"signet: warning: {' '.join(plain_text(sentence).split())}\n")


def warn_of_short_secret(client_id: str) -> None:
    """Warn about a client secret that an operator allowed although it is short."""
    warn(
        f"the secret of {client_id} is shorter than 32 characters and easier to guess. "
        f"Replace it when the app can be changed: signet client rotate-secret {client_id}"
    )


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print several items: a table of these columns, or a JSON array with all members."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        sys.stdout.write("None.\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*[column.replace("_", " ") for column in columns])
    for row in rows:
        table.add_row(*[_cell(row.get(column)) for column in columns])
    # Piped, a table may be as wide as it likes: nothing is cut off.
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 250)
    console.print(table)


def print_one(value: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one item: a line for each member, or a JSON object."""
    if as_json:
        print_json(value)
        return
    width = max(len(name) for name in value) + 2
    for name, part in value.items():
        sys.stdout.write(f"{name.replace('_', ' '):<{width}}{_cell(part)}\n")


def _cell(value: Any) -> str:
    value = plain(value)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_cell(part) for part in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name}={_cell(part)}" for name, part in value.items()) or "-"
    return plain_text(str(value))


def plain_text(text: str) -> str:
    """Replace control characters by `?`. Names and addresses are typed by users, and must not control a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
