"""The command `signet invalidate`: revoke everything issued before a given time, after restoring a backup."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from provider.cli.arguments import moment
from provider.cli.installation import opened
from provider.cli.output import Json, plain, print_json
from provider.cli.progress import progress


def invalidate(
    *,
    before: Annotated[
        str | None, typer.Option(help="A moment (2026-11-21T06:00Z) or an age (90m, 24h, 7d). Without: now.")
    ] = None,
    keep_keys: Annotated[
        bool, typer.Option("--keep-keys", help="Leave the signing keys: access tokens verify until they expire.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Revoke everything issued before a given time, after restoring a backup (docs/operate/operate.md).

    Ends sessions, refresh and access tokens, codes, device codes, one-time links, pending requests and initial access
    tokens. Signing keys are replaced and revoked. Passwords, second factors and client secrets stay. The command shows
    what it will do, and asks. If it is interrupted, run it again with the same --before.

    Example: signet invalidate --before 2026-11-21T06:00Z --yes
    """
    from provider.admin import invalidation
    from provider.work import unit_of_work

    with opened() as installation:
        with unit_of_work(installation) as work:
            since = work.now if before is None else moment(before, now=work.now)
            if since > work.now:
                raise typer.BadParameter(f"{plain(since)} is not over yet")
            active = invalidation.count(work, since)
            active["signing keys"] = 0 if keep_keys else len(invalidation.old_keys(work, since))
        if not as_json:
            sys.stdout.write(_described("Began before", since, active) + "\n")
        if not yes and sys.stdin.isatty():
            yes = typer.confirm("End all of it?", err=True)
        ended = {}
        if yes:
            with progress("Invalidating", sum(active.values())) as advance:
                ended = invalidation.invalidate(installation, since, keys=not keep_keys, advance=advance)
    if as_json:
        print_json({"before": since, "standing": active, "ended": ended, "done": yes})
    else:
        sys.stdout.write(
            _described("Ended what began before", since, ended) if yes else "Nothing was changed: --yes does it."
        )
        sys.stdout.write("\n")


def _described(what: str, since: datetime, counts: dict[str, int]) -> str:
    parts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{what} {plain(since)}: {parts or 'nothing'}."
