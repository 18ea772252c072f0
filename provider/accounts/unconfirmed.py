"""Accounts whose address nobody confirmed: deleted in the end. Nobody is told, for the address may be a stranger's."""

from datetime import datetime

from provider.accounts.store import email_addresses, users
from provider.audit.events import Event
from provider.audit.log import record
from provider.work import UnitOfWork


def purge(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` of those that stand as they stood `before`; how many were. While a verification link is
    alive its account stays.
    """
    unconfirmed = email_addresses.find_unconfirmed(work.db, before=before, now=work.now, limit=limit)
    users.remove_all(work.db, unconfirmed)
    for user_id in unconfirmed:
        record(work, Event.ACCOUNT_DELETED, user_id=user_id, reason="never_confirmed")
    return len(unconfirmed)
