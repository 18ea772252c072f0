"""The audit log operations: list events page by page, or export them as a file."""

from datetime import datetime
from typing import Any

from pydantic import Field
from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.audit_file import FORMATS, as_file
from provider.admin.filters import query_text, query_time
from provider.admin.operation import by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.languages.text import Text
from provider.operators.audit import audit_log
from provider.operators.audit.audit_log import Filters
from provider.web.call import Call

WANTED = {
    "user": "Only events of this user: an ID or an email address.",
    "client": "Only events of this client_id.",
    "name": "Only this event, or a group of events such as `account.*`. See docs/reference/events.md.",
    "since": "Only events at or after this time (RFC 3339).",
    "until": "Only events before this time (RFC 3339).",
}


class AuditEntry(Body):
    """An audit event."""

    id: str = Field(description="The event's ID.")
    at: datetime = Field(description="When it happened.")
    name: str = Field(description="The event's name, for example session.signed_in.")
    user_id: str | None = Field(None, description="The user it is about.")
    client_id: str | None = Field(None, description="The client it is about.")
    network: str = Field(description="The network the request came from.")
    user_agent: str = Field(description="The User-Agent header of the request.")
    request_id: str = Field(description="The ID of the request, which logs and error pages show too.")
    details: dict[str, Any] = Field(
        description="Further details, as listed in docs/reference/events.md. A change has `before` and `after`."
    )


class AuditEntries(Body):
    """A page of audit events."""

    events: list[AuditEntry] = Field(description="The events, the newest first.")
    next: str | None = Field(None, description=NEXT)


@by_operator(needs=Permission.AUDIT_READ, gives=AuditEntries, asks={**WANTED, **PAGED})
def list_audit_events(call: Call, _operator: Operator, _body: Body) -> AuditEntries:
    """List audit events. The newest comes first."""
    wanted, page = _filters(call), query_page(call, "audit")
    after = None if page.after is None else (datetime.fromisoformat(page.after["at"]), page.after["id"])
    shown, further = audit_log.search(call.work, wanted, after=after, limit=page.limit)
    return AuditEntries(
        events=[AuditEntry(**vars(event)) for event in shown],
        next=None if further is None else next_of(call, "audit", at=further[0].isoformat(), id=further[1]),
    )


@by_operator(
    needs=Permission.AUDIT_READ,
    gives=tuple(media_type for media_type, _ in FORMATS.values()),
    asks={**WANTED, "format": "`jsonl` (the default) or `csv`. In CSV, cells that could be formulas are escaped."},
)
def export_audit_events(call: Call, _operator: Operator, _body: Body) -> Response:
    """Export audit events. The newest comes first. If the connection breaks off, the file is incomplete."""
    wanted, name = _filters(call), call.query.get("format", "jsonl")
    if name not in FORMATS:
        raise InvalidBody([{"member": "format", "problem": Text("Enter csv or jsonl.")}])
    return as_file(call, wanted, name)


def _filters(call: Call) -> Filters:
    return audit_log.filters(
        call.work,
        user=query_text(call, "user"),
        client=query_text(call, "client"),
        name=query_text(call, "name"),
        since=query_time(call, "since"),
        until=query_time(call, "until"),
    )
