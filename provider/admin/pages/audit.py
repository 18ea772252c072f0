"""The audit log in the console: who did what, when, to whom and why; with filters and export."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.audit_file import FORMATS, as_file
from provider.admin.filters import typed_text
from provider.admin.guards import require_operator
from provider.admin.pages.event_list import event_list
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.database.base import NOBODY, parse_id
from provider.languages.text import Text
from provider.oauth.clients import client_search
from provider.operators.audit import audit_log
from provider.operators.audit.audit_log import Filters
from provider.operators.audit.event_names import AREAS, EVENT_NAMES
from provider.refusals import NotFound
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/audit"
TYPED = ("user", "client", "operator", "network", "name", "range", "since", "until")
"""The query parameters of the filters, beside `area.account=on` and the like."""
RANGES: Mapping[str, tuple[Text, timedelta | None]] = {
    "": (Text("Any time"), None),
    "24h": (Text("Last 24 hours"), timedelta(hours=24)),
    "7d": (Text("Last 7 days"), timedelta(days=7)),
    "30d": (Text("Last 30 days"), timedelta(days=30)),
}
"""The time ranges to choose from. They end now."""
NOT_A_DAY = Text("Enter a date, for example 2026-11-21.")
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)
"""The last day that a datetime can hold; no day can be added to it."""
SUGGESTED = 100
"""How many applications are suggested in the field for one."""


class Option(NamedTuple):
    """A value to choose from or to tick, with its label."""

    value: str
    label: Text
    ticked: bool = False


@endpoint
def list_events(call: Call) -> Response:
    """Show the audit log: GET /admin/audit. All filters are in the query; dates are in UTC, and `until` is included.

    With `live`, the page adds new events by itself, from `/admin/audit/new`; without scripts it is loaded again.
    """
    require_operator(call, Permission.AUDIT_READ)
    wanted, errors = _filters(call)
    place = place_on(call, "audit")
    after = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    shown, further = ([], None) if errors else audit_log.search(call.work, wanted, after=after, limit=AT_ONCE)
    asked = {name: typed_text(call, name) for name in TYPED}
    chosen = [f"area.{area}" for area in _areas(call)]
    question = {name: value for name, value in asked.items() if value} | dict.fromkeys(chosen, "on")
    live = "live" in call.query and after is None and not errors and wanted.until is None
    suggested, _ = client_search.find_page(call.work, "", limit=SUGGESTED)
    return page(
        call,
        "admin/audit.html",
        status_code=400 if errors else 200,
        **event_list(call, shown),
        further=next_page(call, "audit", None if further is None else (further[0].isoformat(), further[1])),
        asked=asked,
        errors=errors,
        areas=[Option(area, label, f"area.{area}" in chosen) for area, label in AREAS.items()],
        by_area={area: [name for name in EVENT_NAMES if _is_in(name, area)] for area in AREAS},
        area_names=AREAS,
        ranges=[Option(value, label) for value, (label, _) in RANGES.items()],
        suggested=suggested,
        question=urlencode(question),
        is_filtered=bool(question),
        opens=bool(errors or question.keys() - {"user", "range"}),
        can_follow=after is None and not errors and wanted.until is None,
        follow=f"{PATH}/new?{urlencode(question)}" if live else None,
        start=f"{call.work.now.isoformat()}~{NOBODY}",
        follow_url=f"{PATH}?{urlencode(question | {'live': 'yes'})}",
        stay_url=f"{PATH}?{urlencode(question)}" if question else PATH,
    )


@endpoint
def list_new_events(call: Call) -> Response:
    """Show the rows of events newer than a place: GET /admin/audit/new?than=. The filters are those of the audit page.

    `than` is `data-place` of a row, or the start of the page if it has none. No event is left out: if there are more
    than AT_ONCE, the oldest are on the page after it is loaded again.
    """
    require_operator(call, Permission.AUDIT_READ)
    wanted, errors = _filters(call)
    than = _place(typed_text(call, "than"))
    if errors or than is None:
        raise NotFound
    shown = audit_log.find_newer(call.work, wanted, than=than, limit=AT_ONCE)
    return page(call, "admin/audit_rows.html", **event_list(call, shown))


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
    asked = {name: typed_text(call, name) or None for name in TYPED}
    days: dict[str, datetime | None] = {}
    errors: dict[str, str] = {}
    for name in ("since", "until"):
        day = _day(asked[name])
        if asked[name] is not None and day is None:
            errors[name] = NOT_A_DAY
        days[name] = day
    last = days["until"]
    until = None if last is None or last >= LAST_DAY else last + timedelta(days=1)
    _, length = RANGES.get(asked["range"] or "", RANGES[""])
    starts = [start for start in (days["since"], None if length is None else call.work.now - length) if start]
    wanted = audit_log.filters(
        call.work,
        user=asked["user"],
        client=asked["client"],
        operator=asked["operator"],
        network=asked["network"],
        name=asked["name"],
        names=[f"{area}.*" for area in _areas(call)],
        since=max(starts, default=None),
        until=until,
    )
    return wanted, errors


def _areas(call: Call) -> list[str]:
    """Return the areas whose events are asked for."""
    return [area for area in AREAS if f"area.{area}" in call.query]


def _is_in(name: str, area: str) -> bool:
    return name.startswith(f"{area}.")


def _place(text: str) -> audit_log.Place | None:
    """Return the place that `data-place` of a row has, or None."""
    at, _, event_id = text.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    found = parse_id(event_id)
    return None if found is None or moment.tzinfo is None else (moment, found)


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
