"""The command `signet apply`: clients and roles as code."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, plain, print_json, warn_of_short_secret
from provider.refusals import Refusal

if TYPE_CHECKING:
    from provider.operators.as_code.planned_changes import PlannedChange

SIGNS = {"create": "+", "update": "~", "delete": "-"}


def apply(
    file: Annotated[Path, typer.Argument(help="The TOML file, or - for stdin. Its format: docs/operate/as-code.md.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Apply the changes. Without it, they are only shown.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Also delete what is not in the file: clients, and each other kind of which the file has any.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Apply clients and roles from a file. Shows the changes, and makes them only with --yes.

    Example: signet apply clients.toml, then signet apply clients.toml --yes
    """
    from provider.operators.as_code import plans as as_code
    from provider.operators.as_code.planned_changes import NotApplied

    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    secrets: dict[str, str] = {}
    try:
        with unit() as work:
            changes = as_code.plan(work, text, environ=os.environ, prune=prune)
            if yes:
                secrets = as_code.apply(work, changes)
    except NotApplied as refused:
        raise Refusal(f"{refused} Nothing was changed.") from None
    for change in changes:
        if change.short_secret_of is not None:
            warn_of_short_secret(change.short_secret_of)
    if as_json:
        print_json({"changes": [_described(change, secrets) for change in changes], "applied": yes})
    else:
        sys.stdout.write("\n".join(_lines(changes, secrets, applied=yes)) + "\n")


def _described(change: "PlannedChange", secrets: dict[str, str]) -> dict[str, object]:
    values = {name: {"now": now, "wanted": wanted} for name, (now, wanted) in change.values.items()}
    told: dict[str, object] = {"kind": change.kind, "about": change.about, "values": values}
    return told | ({"client_secret": secrets[change.about]} if change.about in secrets else {})


def _lines(changes: "list[PlannedChange]", secrets: dict[str, str], *, applied: bool) -> list[str]:
    if not changes:
        return ["No changes. The installation already matches the file."]
    lines = []
    for change in changes:
        lines.append(f"{SIGNS[change.kind]} {change.about}")
        for name, (now, wanted) in change.values.items():
            shown = _shown(wanted) if change.kind == "create" else f"{_shown(now)} -> {_shown(wanted)}"
            lines.append(f"    {name}  {shown}")
        if change.about in secrets:
            lines.append(f"    client_secret  {secrets[change.about]}  (not shown again)")
    return [*lines, "Changes applied." if applied else "Nothing was changed. To apply these changes, add --yes."]


def _shown(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False)
