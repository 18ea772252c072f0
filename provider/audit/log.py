"""Recording audit events in the transaction of the change that they describe."""

from dataclasses import asdict
from functools import partial
from typing import Any

from provider.audit import store
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.database.base import new_id
from provider.observability.metrics import EVENTS
from provider.work import UnitOfWork


def record(
    work: UnitOfWork, event: Event, *, user_id: str | None = None, client_id: str | None = None, **details: Any
) -> None:
    """Append an event to the audit log, and queue it for publication when the transaction commits.

    `details` contain no secrets and no more personal data than the event needs.
    """
    origin = work.origin
    if origin.operator:
        details["operator"] = origin.operator
    if origin.why:
        details["why"] = origin.why
    happened = AuditEvent(
        id=new_id(),
        at=work.now,
        name=event.value,
        user_id=user_id,
        client_id=client_id,
        network=origin.network,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        details=details,
    )
    store.append(work.db, happened)
    work.after_commit.append(partial(EVENTS.count, event.value))
    work.events.append(as_json(happened))


def as_json(event: AuditEvent) -> dict[str, Any]:
    """Return the event as a JSON object: for webhooks and exports."""
    return {**asdict(event), "at": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
