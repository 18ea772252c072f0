"""Deleting accounts whose address was never confirmed.

No email is sent, because the address may be a stranger's.
"""

from datetime import datetime

from provider.accounts.store import email_addresses, users
from provider.audit.events import Event
from provider.audit.log import record
from provider.work import UnitOfWork


def purge(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` accounts that have been unconfirmed and unchanged since `before`; return how many.

    An account with a valid verification link is kept.
    """
    unconfirmed = email_addresses.find_unconfirmed(work.db, before=before, now=work.now, limit=limit)
    users.remove_all(work.db, unconfirmed)
    for user_id in unconfirmed:
        record(work, Event.ACCOUNT_DELETED, user_id=user_id, reason="never_confirmed")
    return len(unconfirmed)
