"""The output of commands: JSON for machines, tables and sentences for people."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

GAP = 2
"""The spaces between two columns of a table."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

Yes = Annotated[bool, typer.Option("--yes", help="Skip the confirmation prompt.")]


def plain(value: Any) -> Any:
    """Convert a value for JSON. Times become RFC 3339 text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str):
        return [plain(part) for part in value]
    return value


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is deleted, unless `--yes` was given or the input is not a terminal. Aborts after a no."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def say(sentence: str, value: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what was changed: a sentence for people, or the values as JSON."""
    if as_json:
        print_json(value)
    else:
        sys.stdout.write(f"{sentence}\n")


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, which takes an s in the plural: `1 job`, `2 jobs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def warn(sentence: str) -> None:
    """Print a warning as one line on stderr, also with --json."""
    sys.stderr.write(f"signet: warning: {' '.join(plain_text(sentence).split())}\n")


def warn_if_cut(is_cut: bool, limit: int) -> None:
    """Warn that a list has more items than were asked for, where the rest can't be listed from where it ends."""
    if is_cut:
        warn(f"There are more than {limit}. Raise --limit (at most 10000) or narrow the list to see the others.")


def warn_of_short_secret(client_id: str) -> None:
    """Warn about a client secret that an operator allowed although it is short."""
    warn(
        f"The secret of {client_id} is shorter than 32 characters, so it is easier to guess. "
        f"Replace it when you can: signet client rotate-secret {client_id}"
    )


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print several items: a table for people, tab-separated lines through a pipe, or a JSON array with all members.

    No value is ever shortened: a table drops its last columns instead, until it fits the terminal.
    """
    if as_json:
        print_json(rows)
    elif not sys.stdout.isatty():
        for row in rows:
            sys.stdout.write("\t".join(_cell(row.get(column)) for column in columns) + "\n")
    elif rows:
        _print_table([[_cell(row.get(column)) for column in columns] for row in rows], columns)
    else:
        sys.stdout.write("No results.\n")


def _print_table(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    titles = [column.replace("_", " ") for column in columns]
    widths = [max(cell_len(row[at]) for row in (titles, *rows)) for at in range(len(columns))]
    fitting = len(columns)
    while fitting > 1 and sum(widths[:fitting]) + GAP * (fitting - 1) > console.width:
        fitting -= 1
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for title in titles[:fitting]:
        table.add_column(title, no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*row[:fitting])
    widest = max(console.width, sum(widths[:fitting]) + GAP * fitting)
    console.size = widest, console.height  # rich would shorten a single wide column
    console.print(table)
    if fitting < len(columns):
        console.print(f"Hidden columns: {', '.join(titles[fitting:])}. Use --json to see them.", style="dim")


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
    """Replace characters that no name may have by `?`. Names are typed by users, and must not control a terminal."""
    from provider.languages.free_text import is_shown, without_stray_controls

    return "".join(character if is_shown(character) else "?" for character in without_stray_controls(text))
