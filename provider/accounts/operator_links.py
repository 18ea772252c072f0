"""One-time links that operators create and pass on themselves: no email is sent."""

from provider.accounts.links import NewLink, issue_link
from provider.accounts.store import email_addresses
from provider.accounts.store.links import Purpose
from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record
from provider.work import UnitOfWork


def issue_by_operator(work: UnitOfWork, *, user_id: str, purpose: Purpose) -> NewLink:
    """Create a one-time link for the user; earlier links for this purpose stop working.

    Raises NoSuchUser, also for a user without an email address.
    """
    address = email_addresses.find_of_user(work.read, user_id)
    if address is None:
        raise NoSuchUser
    link = issue_link(work, purpose=purpose, address=address)
    record(work, Event.LINK_ISSUED, user_id=user_id, purpose=purpose)
    return link
