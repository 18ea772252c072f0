"""Recording audit events in the transaction of the change that they describe."""

from collections.abc import Mapping
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
    record_all(work, event, {user_id: details}, client_id=client_id)


def record_all(
    work: UnitOfWork,
    event: Event,
    details_of: Mapping[str | None, Mapping[str, Any]],
    *,
    client_id: str | None = None,
) -> None:
    """Append the event once for each user, by id, with its details."""
    happened = [_happened(work, event, user_id, client_id, dict(details)) for user_id, details in details_of.items()]
    if happened:
        store.append(work.db, *happened)
    work.after_commit.extend([partial(EVENTS.count, event.value)] * len(happened))
    work.events.extend(map(as_json, happened))


def _happened(
    work: UnitOfWork, event: Event, user_id: str | None, client_id: str | None, details: dict[str, Any]
) -> AuditEvent:
    origin = work.origin
    if origin.operator is not None:
        details["operator"] = str(origin.operator)
    if origin.why:
        details["why"] = origin.why
    return AuditEvent(
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


def as_json(event: AuditEvent) -> dict[str, Any]:
    """Return the event as a JSON object: for webhooks and exports."""
    return {**vars(event), "at": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
