"""The command `signet user import`: create users from a file."""

import csv
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provider.cli.installation import opened
from provider.cli.output import Json, say
from provider.cli.progress import progress
from provider.refusals import Refusal

if TYPE_CHECKING:
    from provider.operators.imports.rows import Result


def import_users(
    file: Annotated[Path, typer.Argument(help="CSV file with a header, or JSON lines. - for stdin.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and change nothing.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Update the profile and roles of existing users. Without it, skip them.")
    ] = False,
    invite: Annotated[
        bool, typer.Option("--invite", help="Email an invitation to new users without a password hash.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="CSV file to create with the rows that failed: line, email, reason.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import users from a CSV file or JSON lines. Exits with an error if rows failed. An import that was stopped can
    be run again: existing users are skipped.

    Example: signet user import users.csv --dry-run
    """
    from provider.accounts.importing.files import UnreadableFile, read_rows
    from provider.accounts.roles.permissions import EVERYTHING
    from provider.operators.imports.rows import Options, Outcome, import_rows

    options = Options(permissions=EVERYTHING, update=update, invite=invite, dry_run=dry_run)
    with ExitStack() as stack:
        installation = stack.enter_context(opened())
        source = sys.stdin.buffer if str(file) == "-" else stack.enter_context(file.open("rb"))
        rows = (
            None if report is None else csv.writer(stack.enter_context(report.open("x", encoding="utf-8", newline="")))
        )
        advance = stack.enter_context(progress("Checking" if dry_run else "Importing"))
        if rows is not None:
            rows.writerow(("line", "email", "reason"))

        def seen(result: "Result") -> None:
            advance(1)
            if result.outcome != Outcome.FAILED:
                return
            if rows is None:
                sys.stderr.write(f"Line {result.line}: {result.email or 'no email'}: {result.problem}\n")
            else:
                rows.writerow((result.line, harmless(result.email), result.problem))

        try:
            counts = import_rows(installation, read_rows(source), options, seen)
        except UnreadableFile as problem:
            raise Refusal(f"{problem}{'' if dry_run else ' Rows before that stay imported.'}") from None
    prefix = "Dry run: " if dry_run else ""
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    say(f"{prefix}{told}.", {"dry_run": dry_run, **counts}, as_json=as_json)
    if counts[Outcome.FAILED]:
        raise typer.Exit(1)


def harmless(value: str) -> str:
    """Return a value that a spreadsheet doesn't run as a formula (CWE-1236)."""
    return f"'{value}" if value[:1] in "=+-@\t\r" and value else value
