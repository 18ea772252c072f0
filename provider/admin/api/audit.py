"""The audit log operations: list events page by page, or export them as a file."""

from datetime import datetime
from typing import Any

from pydantic import Field
from starlette.responses import Response

from provider.admin import audit_log
from provider.admin.audit_file import FORMATS, as_file
from provider.admin.audit_log import Filters
from provider.admin.filters import asked_moment, asked_text
from provider.admin.operation import by_operator
from provider.admin.paging import NEXT, PAGED, asked_page, next_of
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.languages.text import Text
from provider.web.call import Call

WANTED = {
    "user": "Of this account: an id or an email address.",
    "client": "Of this client_id.",
    "name": "An event of docs/reference/events.md, or a kind of them: `account.*`.",
    "since": "From this moment on, RFC 3339.",
    "until": "Before this moment.",
}


class AuditEntry(Body):
    id: str
    at: datetime
    name: str
    user_id: str | None = None
    client_id: str | None = None
    network: str
    user_agent: str
    request_id: str
    details: dict[str, Any] = Field(description="As docs/reference/events.md has it; of a change `before` and `after`.")


class AuditEntries(Body):
    events: list[AuditEntry]
    next: str | None = Field(None, description=NEXT)


@by_operator(reads=True, gives=AuditEntries, asks={**WANTED, **PAGED})
def list_audit_events(call: Call, _operator: Operator, _body: Body) -> AuditEntries:
    """List audit events, the newest first."""
    wanted, page = _filters(call), asked_page(call, "audit")
    after = None if page.after is None else (datetime.fromisoformat(page.after["at"]), page.after["id"])
    shown, further = audit_log.find_page(call.work, wanted, after=after, limit=page.limit)
    return AuditEntries(
        events=[AuditEntry(**vars(event)) for event in shown],
        next=None if further is None else next_of(call, "audit", at=further[0].isoformat(), id=further[1]),
    )


@by_operator(
    reads=True,
    gives=tuple(media_type for media_type, _ in FORMATS.values()),
    asks={**WANTED, "format": "`jsonl` (the default), or `csv`: no cell of it is a formula."},
)
def export_audit_events(call: Call, _operator: Operator, _body: Body) -> Response:
    """Export all audit events up to now, the newest first. An export whose connection broke off is incomplete."""
    wanted, name = _filters(call), call.query.get("format", "jsonl")
    if name not in FORMATS:
        raise InvalidBody([{"member": "format", "problem": Text("Enter csv or jsonl.")}])
    return as_file(call, wanted, name)


def _filters(call: Call) -> Filters:
    asked = {name: asked_text(call, name) for name in ("user", "client", "name")}
    return audit_log.filters(call.work, **asked, since=asked_moment(call, "since"), until=asked_moment(call, "until"))
