"""The audit log in the console: who did what, when, to whom and why; with filters and export."""

from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin import audit_log
from provider.admin.audit_file import FORMATS, as_file
from provider.admin.audit_log import Filters
from provider.admin.filters import typed_text
from provider.admin.guards import require_operator
from provider.admin.pages.event_list import event_list
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.languages.text import Text
from provider.refusals import NotFound
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

ASKED = ("user", "client", "name", "since", "until")
NOT_A_DAY = Text("Enter a date, for example 2026-11-21.")
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)
"""The last day that a datetime can hold; no day can be added to it."""


@endpoint
def list_events(call: Call) -> Response:
    """Show the audit log: GET /admin/audit?user=&client=&name=&since=&until=. Dates are in UTC, and `until` is
    included.
    """
    require_operator(call, Permission.AUDIT_READ)
    wanted, errors = _filters(call)
    place = place_on(call, "audit")
    after = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    shown, further = ([], None) if errors else audit_log.find_page(call.work, wanted, after=after, limit=AT_ONCE)
    return page(
        call,
        "admin/audit.html",
        status_code=400 if errors else 200,
        **event_list(call.work, shown),
        further=next_page(call, "audit", None if further is None else (further[0].isoformat(), further[1])),
        asked={name: call.query.text(name) for name in ASKED},
        errors=errors,
    )


@endpoint
def export_events(call: Call) -> Response:
    """Export all matching events, the newest first: GET /admin/audit/export.csv and export.jsonl. The filters are those
    of the audit page.
    """
    require_operator(call, Permission.AUDIT_READ)
    wanted, errors = _filters(call)
    name = call.path_params["format"]
    if errors or name not in FORMATS:
        raise NotFound
    return as_file(call, wanted, name)


def _filters(call: Call) -> tuple[Filters, dict[str, str]]:
    """Return the filters in the query, and the error messages by field."""
    asked = {name: typed_text(call, name) or None for name in ASKED}
    days: dict[str, datetime | None] = {}
    errors: dict[str, str] = {}
    for name in ("since", "until"):
        day = _day(asked[name])
        if asked[name] is not None and day is None:
            errors[name] = NOT_A_DAY
        days[name] = day
    last = days["until"]
    until = None if last is None or last >= LAST_DAY else last + timedelta(days=1)
    wanted = audit_log.filters(
        call.work,
        user=asked["user"],
        client=asked["client"],
        name=asked["name"],
        since=days["since"],
        until=until,
    )
    return wanted, errors


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
