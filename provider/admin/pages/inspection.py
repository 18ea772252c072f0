"""The inspector in the console: what a pasted URL, code, token or id means here, and the timeline of a sign-in.

What is pasted arrives in the body of a POST. It is not stored, logged or shown again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.filters import typed_text
from provider.admin.guards import require_operator
from provider.admin.pages.event_list import ShownEvent, event_list
from provider.audit.store import AuditEvent
from provider.inspection.comparison import compare
from provider.inspection.findings import Inspection
from provider.inspection.inspector import ERROR_ID, NothingToInspect, inspect, inspect_id
from provider.inspection.reader import Reader
from provider.inspection.timeline import Moment, timeline_of
from provider.languages.text import Text
from provider.oauth.http.server import server_of
from provider.operators.inspections import record_inspection
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/inspect"
IN_DEMO = "/inspect"


@dataclass(frozen=True)
class ShownMoment:
    """A moment of a timeline, with its event as pages show it."""

    moment: Moment
    event: ShownEvent | None
    """The event as pages of operators show it. None: `words` say it."""

    @property
    def words(self) -> Text | str:
        what = self.moment.what
        return what.name if isinstance(what, AuditEvent) else what


@endpoint
def show_inspection(call: Call) -> Response:
    """Show the form, and with `id` the timeline of a session, grant or rejected request: GET /admin/inspect?id=."""
    return _show(call, _as_operator(call), PATH)


@endpoint
def inspect_value(call: Call) -> Response:
    """Inspect what was pasted, and compare it with a second value: POST to the same URL."""
    return _inspect(call, _as_operator(call), PATH)


@endpoint
def show_inspection_in_demo(call: Call) -> Response:
    """Show the form to anybody who opens the demo: GET /inspect."""
    return _show(call, _as_visitor(call), IN_DEMO)


@endpoint
def inspect_value_in_demo(call: Call) -> Response:
    """Inspect what was pasted in the demo: POST /inspect."""
    return _inspect(call, _as_visitor(call), IN_DEMO)


def _as_operator(call: Call) -> Reader:
    """Require an operator. Users and their sign-ins are shown only to those who may see users."""
    operator = require_operator(call, Permission.REQUESTS_READ)
    return Reader(call.work, server_of(call), sees_users=operator.may(Permission.USERS_READ))


def _as_visitor(call: Call) -> Reader:
    call.page_values["may"] = _nothing
    return Reader(call.work, server_of(call), sees_users=True)


def _nothing(_permission: str) -> bool:
    return False


def _show(call: Call, reader: Reader, path: str) -> Response:
    asked = typed_text(call, "id")
    found = None
    if asked:
        found = inspect(reader, asked) if ERROR_ID.fullmatch(asked) else inspect_id(reader, asked)
    return _page(call, reader, path, found, is_missing=bool(asked) and found is None)


def _inspect(call: Call, reader: Reader, path: str) -> Response:
    other = call.form.text("other")
    try:
        found = inspect(reader, call.form.text("value"))
        second = inspect(reader, other) if other else None
    except NothingToInspect as refusal:
        return _page(call, reader, path, None, error=refusal.message)
    response = _page(call, reader, path, found, second)
    for one in filter(None, (found, second)):
        record_inspection(call.work, one)
    return response


def _page(
    call: Call,
    reader: Reader,
    path: str,
    found: Inspection | None,
    second: Inspection | None = None,
    *,
    error: str | None = None,
    is_missing: bool = False,
) -> Response:
    moments = timeline_of(call.work, found) if found is not None and reader.sees_users else []
    events = [moment.what for moment in moments if isinstance(moment.what, AuditEvent)]
    listed: dict[str, Any] = {"events": (), "mark": ""}
    if path == PATH:  # operators see who it was
        listed = event_list(call, events)
    return page(
        call,
        "admin/inspection.html",
        status_code=400 if error else 404 if is_missing else 200,
        frame="admin/frame.html" if path == PATH else "layout.html",
        path=path,
        found=found,
        second=second,
        differences=[] if found is None or second is None else compare(found, second),
        moments=[ShownMoment(each, _shown(each, listed["events"])) for each in moments],
        mark=listed["mark"],
        errors={} if error is None else {"value": error},
        is_missing=is_missing,
        labels=LABELS,
    )


def _shown(moment: Moment, listed: Sequence[ShownEvent]) -> ShownEvent | None:
    return next((each for each in listed if each.event is moment.what), None)


LABELS = {
    "value": Text("URL, code, token, ID, key set or discovery document"),
    "other": Text("Second value to compare (optional)"),
}
