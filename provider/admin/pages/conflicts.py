"""An edit that another one overtook: the page says who made it, shows what is saved now, and keeps what was typed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from provider.admin.pages.event_list import event_list
from provider.audit import store as audit
from provider.audit.store import AuditEvent
from provider.languages.text import Text
from provider.web.call import Call

MESSAGE = Text(
    "Someone else has changed this since you opened it. Your entries are still in the form, but not saved. Compare "
    "them with the saved values, then save again."
)
SEARCHED = 50
"""How many of the latest events are searched for the change."""


@dataclass(frozen=True)
class Record:
    """Where the audit log has the changes of an edited value: the event, and what it is about."""

    event: str
    user_id: str | None = None
    client_id: str | None = None
    detail: tuple[str, str] | None = None
    """A detail that the event has, for what is neither a user nor an application."""
    members: Collection[str] = ()
    """The members of which the event names at least one as changed, if the form has only some."""


def conflict(call: Call, record: Record, saved: Sequence[tuple[Text | str, Any]]) -> dict[str, Any]:
    """Return what the macro `overtaken_by` shows: the event of the change, and of each field that has something else in
    the form, the label and the saved value.
    """
    found = audit.find(
        call.work.read, user_id=record.user_id, client_id=record.client_id, names=[record.event], limit=SEARCHED
    )
    latest = next((event for event in found if _is_about(event, record)), None)
    return {"saved": saved, **event_list(call, [] if latest is None else [latest])}


def _is_about(event: AuditEvent, record: Record) -> bool:
    if record.detail is not None and event.details.get(record.detail[0]) != record.detail[1]:
        return False
    changed = event.details.get("changed")
    return not record.members or not isinstance(changed, list) or not set(record.members).isdisjoint(changed)
