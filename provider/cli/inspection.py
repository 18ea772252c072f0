"""The command `signet inspect`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provider.cli.installation import opened
from provider.cli.output import Json, plain_text, print_json, print_rows

if TYPE_CHECKING:
    from provider.inspection.findings import Inspection
    from provider.inspection.timeline import Moment


def inspect(
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VALUE]...", help="What to inspect; or - for stdin, which keeps it out of the history."
        ),
    ] = None,
    *,
    diff: Annotated[
        bool, typer.Option("--diff", help="Compare two values: two arguments, or two lines of stdin.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Explain a URL, code, token, ID or key set.

    Shows what it means here, and whether it is valid. An ID of a session, grant or rejected request also shows the
    timeline of the sign-in. Nothing is stored or sent, and secrets are not shown.

    Example: signet inspect - < token.txt
    """
    from provider.inspection import inspector
    from provider.inspection.comparison import compare
    from provider.inspection.reader import Reader
    from provider.inspection.timeline import timeline_of
    from provider.oauth.tokens.server import open_server
    from provider.operators.inspections import record_inspection
    from provider.work import unit_of_work

    texts = _texts(values or ["-"], diff=diff, longest=inspector.LONGEST)
    with opened() as installation, unit_of_work(installation) as work:
        reader = Reader(work, open_server(installation), sees_users=True)
        found = [inspector.inspect(reader, text) for text in texts]
        moments = timeline_of(work, found[0])
        for one in found:
            record_inspection(work, one)
    if diff:
        rows = [
            {"part": row.part, "name": row.name, "first": row.first, "second": row.second, "same": row.is_same}
            for row in compare(*found)
        ]
        print_rows(rows, ("name", "first", "second"), as_json=as_json)
    elif as_json:
        print_json(_as_json(found[0], moments))
    else:
        _print(found[0], moments)


def _texts(values: list[str], *, diff: bool, longest: int) -> list[str]:
    """Return the one or two texts. Raises BadParameter, which never quotes them."""
    if values == ["-"]:
        text = sys.stdin.read(2 * longest + 2)
        values = text.split() if diff else [text]
    wanted = 2 if diff else 1
    if len(values) != wanted:
        raise typer.BadParameter(f"give {'two values' if diff else 'one value, or two with --diff'}")
    return values


def _print(found: "Inspection", moments: "list[Moment]") -> None:
    sys.stdout.write(f"{found.kind[:1].upper()}{found.kind[1:]}\n{_mark(found.is_valid)}{plain_text(found.summary)}\n")
    if found.secret:
        sys.stdout.write("This value still gives access. If others may have seen it, revoke it.\n")
    for part in found.parts:
        sys.stdout.write(f"\n{plain_text(part.title)}\n")
        width = min(28, max((len(fact.name) for fact in part.facts), default=0)) + 2
        for fact in part.facts:
            sys.stdout.write(f"  {_mark(fact.passed)}{plain_text(fact.name):<{width}}{plain_text(fact.value)}\n")
            about = " ".join(filter(None, (fact.why, fact.meaning, fact.section and f"({fact.section})")))
            if about:
                sys.stdout.write(f"      {plain_text(about)}\n")
    if moments:
        sys.stdout.write("\nTimeline\n")
    for moment in moments:
        line = [moment.at.isoformat(timespec="seconds"), _what(moment), moment.client_id or "", moment.detail]
        sys.stdout.write(f"  {plain_text('  '.join(filter(None, line)))}\n")


def _mark(passed: bool | None) -> str:
    return "" if passed is None else "✓ " if passed else "✗ "


def _what(moment: "Moment") -> str:
    return getattr(moment.what, "name", None) or str(moment.what)


def _as_json(found: "Inspection", moments: "list[Moment]") -> dict[str, Any]:
    from dataclasses import asdict

    lines = [
        {"at": one.at, "what": _what(one), "client_id": one.client_id, "detail": one.detail, "error_id": one.error_id}
        for one in moments
    ]
    return {**asdict(found), "timeline": lines}
