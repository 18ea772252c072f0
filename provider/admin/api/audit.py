"""What happened: looked through page by page, or taken along as a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from provider.accounts.registration import find_user
from provider.admin.filters import asked_moment, asked_text
from provider.admin.operation import by_operator
from provider.admin.paging import NEXT, PAGED, asked_page, next_of
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.api.operation import NO_STORE
from provider.audit import export, store
from provider.audit.events import names_of
from provider.audit.store import AuditEvent
from provider.languages.text import Text
from provider.web.call import Call
from provider.work import Installation, unit_of_work

WANTED = {
    "user": "Of this account: an id or an email address.",
    "client": "Of this client_id.",
    "name": "An event of docs/events.md, or a kind of them: `account.*`.",
    "since": "From this moment on, RFC 3339.",
    "until": "Before this moment.",
}
FORMATS = {"jsonl": ("application/jsonl", export.as_json_lines), "csv": ("text/csv", export.as_csv)}
AT_ONCE = 500
"""Events of an export read at a time."""


class AuditEntry(Body):
    id: str
    at: datetime
    name: str
    user_id: str | None = None
    client_id: str | None = None
    network: str
    user_agent: str
    request_id: str
    details: dict[str, Any] = Field(description="As docs/events.md has it; of a change `before` and `after`.")


class AuditEntries(Body):
    events: list[AuditEntry]
    next: str | None = Field(None, description=NEXT)


@dataclass(frozen=True)
class Filters:
    user_id: str | None
    client_id: str | None
    names: list[str] | None
    since: datetime | None
    until: datetime | None

    @property
    def find_nothing(self) -> bool:
        """There is no such user or event, so nothing happened to it."""
        return self.user_id == "" or self.names == []


@by_operator(reads=True, gives=AuditEntries, asks={**WANTED, **PAGED})
def list_audit_events(call: Call, _operator: Operator, _body: Body) -> AuditEntries:
    """The latest first."""
    wanted, page = _filters(call), asked_page(call, "audit")
    after = None if page.after is None else (datetime.fromisoformat(page.after["at"]), page.after["id"])
    found = [] if wanted.find_nothing else store.find(call.work.read, **vars(wanted), after=after, limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    return AuditEntries(
        events=[AuditEntry(**vars(event)) for event in shown],
        next=next_of(call, "audit", at=shown[-1].at.isoformat(), id=shown[-1].id) if more else None,
    )


@by_operator(
    reads=True,
    gives=tuple(media_type for media_type, _ in FORMATS.values()),
    asks={**WANTED, "format": "`jsonl` (the default), or `csv`: no cell of it is a formula."},
)
def export_audit_events(call: Call, _operator: Operator, _body: Body) -> Response:
    """All of them up to now, the latest first; a connection that breaks off in between is an export that is not
    whole.
    """
    wanted, name = _filters(call), call.query.get("format", "jsonl")
    if name not in FORMATS:
        raise InvalidBody([{"member": "format", "problem": Text("Enter csv or jsonl.")}])
    media_type, written = FORMATS[name]
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="audit.{name}"'}
    if call.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    return StreamingResponse(written(_every(call.installation, wanted)), headers=headers, media_type=media_type)


def _every(installation: Installation, wanted: Filters) -> Iterator[AuditEvent]:
    """A short look at the database for each few hundred: whoever reads slowly holds nothing up."""
    after: tuple[datetime, str] | None = None
    page: Iterable[AuditEvent] = [] if wanted.find_nothing else _page(installation, wanted, after)
    while page:
        for event in page:
            yield event
            after = (event.at, event.id)
        page = _page(installation, wanted, after)


def _page(installation: Installation, wanted: Filters, after: tuple[datetime, str] | None) -> list[AuditEvent]:
    with unit_of_work(installation) as work:
        return store.find(work.read, **vars(wanted), after=after, limit=AT_ONCE)


def _filters(call: Call) -> Filters:
    who, name = asked_text(call, "user"), asked_text(call, "name")
    user = None if who is None else find_user(call.work, who)
    return Filters(
        user_id=None if who is None else "" if user is None else user.id,
        client_id=asked_text(call, "client"),
        names=None if name is None else names_of(name),
        since=asked_moment(call, "since"),
        until=asked_moment(call, "until"),
    )
