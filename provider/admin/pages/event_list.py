"""The audit events on a page, with the words that `events_list` in macros/console.html shows for them."""

from collections.abc import Sequence
from typing import Any

from provider.accounts.store import email_addresses
from provider.admin.event_names import EVENT_NAMES
from provider.audit.store import AuditEvent
from provider.work import UnitOfWork


def event_list(work: UnitOfWork, events: Sequence[AuditEvent]) -> dict[str, Any]:
    """Return the template values for a list of events: the events, their readable names, and the email address of each
    user by id. Deleted users have no address.
    """
    holders = email_addresses.find_holders(work.read, {event.user_id for event in events if event.user_id})
    emails = {user_id: address.address for user_id, (_, address) in holders.items() if address is not None}
    return {"events": events, "event_names": EVENT_NAMES, "emails": emails}
