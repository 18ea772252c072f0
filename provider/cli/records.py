"""The commands `signet audit` and `signet explain`."""

import sys
from typing import Annotated, Any

import typer

from provider.cli.arguments import moment
from provider.cli.installation import unit
from provider.cli.output import Json, plain_text, print_json, print_one, print_rows
from provider.refusals import Refusal


def audit(
    *,
    user: Annotated[str | None, typer.Option(help="Show only this user: an ID or email address.")] = None,
    client: Annotated[str | None, typer.Option(help="Show only this client_id.")] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Show only this event, or with * all of a kind: account.*. All events: docs/reference/events.md."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Show events from this time (2026-11-21T06:00Z) or age (90m, 24h, 7d) on.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Show events before this time or age.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of events to show.")] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV that is safe to open in a spreadsheet.")] = False,
    as_json: Json = False,
) -> None:
    """Show the audit log, newest events first.

    Example: signet audit --name 'account.*' --since 7d --csv > audit.csv
    """
    from provider.audit import export
    from provider.operators.audit import audit_log

    columns = ("at", "name", "user_id", "client_id", "network", "details")
    with unit() as work:
        moments = {
            which: None if text is None else moment(text, now=work.now)
            for which, text in (("since", since), ("until", until))
        }
        start, end = moments["since"], moments["until"]
        wanted = audit_log.filters(work, user=user, client=client, name=name, since=start, until=end)
        if wanted.find_nothing:
            raise Refusal("No such user or event. Check --user and --name; docs/reference/events.md lists the events.")
        events, _ = audit_log.find_page(work, wanted, after=None, limit=limit)
    if as_csv:
        sys.stdout.writelines(export.as_csv(events))
    else:
        print_rows([vars(event) for event in events], columns, as_json=as_json)


def explain(
    error_id: Annotated[str, typer.Argument(help="The error ID from the error page or the JSON response.")],
    *,
    as_json: Json = False,
) -> None:
    """Explain why a protocol request was rejected. Shows each check, and how to fix the one that failed.

    Example: signet explain 4f0c1d2e3a5b6978
    """
    from provider.oauth.explanations import find_explanation

    with unit() as work:
        found = find_explanation(work, error_id)
    if found is None:
        raise Refusal(f"No rejected request {error_id} was found. They are kept for SIGNET_REJECTED_REQUEST_RETENTION.")
    explained: dict[str, Any] = dict(vars(found))
    if as_json:
        print_json(explained)
        return
    checks = explained.pop("checks")
    print_one(explained, as_json=False)
    for check in checks:
        if not check["passed"]:
            sys.stdout.write("\n")
            shown = {"failed_check": check["name"], "expected": check["expected"], "received": check["got"]}
            print_one(shown | {"fix": check["fix"], "section": check["section"]}, as_json=False)
    passed = [check["name"] for check in checks if check["passed"]]
    if passed:
        sys.stdout.write("\nPassed checks\n")
        sys.stdout.writelines(f"  {plain_text(name)}\n" for name in passed)
