"""Notifying users of a sign-in on a device that the account does not know (OWASP ASVS v5.0.0-6.3.5)."""

from provider.accounts.notices import notify
from provider.accounts.store import users
from provider.audit import store
from provider.audit.events import Event
from provider.audit.log import record
from provider.mail import messages
from provider.work import UnitOfWork


def notify_of_new_device(work: UnitOfWork, *, user_id: str) -> None:
    """Notify the user of a new device, after every factor due. The first sign-in of an account sends no email."""
    if not _has_signed_in_before(work, user_id):
        return
    record(work, Event.NEW_DEVICE, user_id=user_id)
    notify(work, user_id, messages.new_device)


def _has_signed_in_before(work: UnitOfWork, user_id: str) -> bool:
    """Return whether the user has signed in before, as far as the audit log reaches.

    The sign-in of this transaction does not count. The events of an account that is older than the log may be deleted
    already, so the answer is yes.
    """
    this_one = [str(event["id"]) for event in work.events]
    if store.has_happened(work.db, Event.SIGNED_IN, user_id=user_id, besides=this_one):
        return True
    user, kept_for = users.find(work.read, user_id), work.settings.audit_retention
    return bool(kept_for) and user is not None and user.created_at < work.now - kept_for
