"""The commands `signet export` and `signet import`: move an installation."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from provider.cli.installation import opened
from provider.cli.output import Json, say
from provider.cli.progress import progress
from provider.refusals import Refusal


def export(
    file: Annotated[Path, typer.Argument(help="File to create, readable only by you, or - for stdout.")],
    *,
    as_json: Json = False,
) -> None:
    """Export all data to a file. The file has JSON lines: users, applications, keys, consents, sessions and the audit
    log.

    Secrets stay hashed, or encrypted with SIGNET_SECRET_KEY.

    Example: signet export signet.jsonl
    """
    from provider import transfer

    with opened() as installation:
        if str(file) == "-":
            transfer.export_to(installation, sys.stdout)
            return
        with (
            os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out,
            progress("Exporting", transfer.count_rows(installation)) as advance,
        ):
            counts = transfer.export_to(installation, out, advance)
    say(f"Exported {sum(counts.values())} rows to {file}.", {"file": str(file), "rows": counts}, as_json=as_json)


def import_(
    file: Annotated[Path, typer.Argument(help="File from `signet export`, or - for stdin.")],
    *,
    as_json: Json = False,
) -> None:
    """Import data from a file. The installation must be new, with the same version and SIGNET_SECRET_KEY. If anything
    is wrong with the file, nothing is imported.

    Example: signet import signet.jsonl
    """
    from provider import transfer

    with opened() as installation:
        try:
            if str(file) == "-":
                counts = transfer.import_from(installation, sys.stdin)
            else:
                with file.open(encoding="utf-8") as lines, progress("Importing", _count_lines(file)) as advance:
                    counts = transfer.import_from(installation, lines, advance)
        except transfer.NotImported as refused:
            raise Refusal(f"{refused} Nothing was imported.") from None
        except UnicodeDecodeError:
            raise Refusal("The file is not UTF-8. Nothing was imported.") from None
    say(f"Imported {sum(counts.values())} rows.", {"rows": counts}, as_json=as_json)


def _count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
