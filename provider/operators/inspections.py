"""The audit log's record of an inspection: that an operator read about a user's token, without the token."""

from provider.audit.events import Event
from provider.audit.log import record
from provider.inspection.findings import Inspection
from provider.work import UnitOfWork


def record_inspection(work: UnitOfWork, found: Inspection) -> None:
    """Record the inspection of something that was issued for a user. Other values say nothing about anybody."""
    if found.user_id is not None:
        record(
            work,
            Event.TOKEN_INSPECTED,
            user_id=found.user_id,
            client_id=found.client_id,
            kind=found.kind,
            grant=found.grant_id,
        )
