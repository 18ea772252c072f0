"""Notifying users of a sign-in on a device that the account does not know (OWASP ASVS v5.0.0-6.3.5)."""

from provider.accounts.notices import notify
from provider.audit import store
from provider.audit.events import Event
from provider.audit.log import record
from provider.mail import messages
from provider.work import UnitOfWork


def notify_of_new_device(work: UnitOfWork, *, user_id: str) -> None:
    """Notify the user of a new device, after every factor due. The first sign-in of an account sends no email."""
    this_one = [str(event["id"]) for event in work.events]
    if not store.has_happened(work.db, Event.SIGNED_IN, user_id=user_id, besides=this_one):
        return
    record(work, Event.NEW_DEVICE, user_id=user_id)
    notify(work, user_id, messages.new_device)
