"""The command `signet invalidate`: revoke everything issued before a given time, after restoring a backup."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from provider.cli.arguments import moment
from provider.cli.installation import opened
from provider.cli.output import Json, Yes, plain, print_json
from provider.cli.progress import progress


def invalidate(
    *,
    before: Annotated[
        str | None, typer.Option(help="Time (2026-11-21T06:00Z) or age (90m, 24h, 7d). Default: now.")
    ] = None,
    keep_keys: Annotated[
        bool, typer.Option("--keep-keys", help="Keep the signing keys. APIs accept access tokens until they expire.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Revoke everything issued before a given time. Use it after restoring a backup (docs/operate/backup.md).

    Ends sessions, tokens, codes, one-time links and pending requests. Replaces and revokes the signing keys.
    Passwords, two-factor authentication and client secrets stay. Shows what will end and asks for confirmation. If the
    command is interrupted, run it again with the same --before.

    Example: signet invalidate --before 2026-11-21T06:00Z --yes
    """
    from provider.operators import invalidation
    from provider.work import unit_of_work

    with opened() as installation:
        with unit_of_work(installation) as work:
            since = work.now if before is None else moment(before, now=work.now)
            if since > work.now:
                raise typer.BadParameter(f"--before must be in the past, not {plain(since)}")
            active = invalidation.count(work, since)
            active["signing keys"] = 0 if keep_keys else len(invalidation.old_keys(work, since))
        if not as_json:
            sys.stdout.write(_described("Issued before", since, active) + "\n")
        if not yes and sys.stdin.isatty():
            yes = typer.confirm("Revoke all of this?", err=True)
        ended = {}
        if yes:
            with progress("Invalidating", sum(active.values())) as advance:
                ended = invalidation.invalidate(installation, since, keys=not keep_keys, advance=advance)
    if as_json:
        print_json({"before": since, "standing": active, "ended": ended, "done": yes})
    else:
        sys.stdout.write(
            _described("Revoked what was issued before", since, ended)
            if yes
            else "Nothing was changed. To revoke all of this, add --yes."
        )
        sys.stdout.write("\n")


def _described(what: str, since: datetime, counts: dict[str, int]) -> str:
    parts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{what} {plain(since)}: {parts or 'nothing'}."
