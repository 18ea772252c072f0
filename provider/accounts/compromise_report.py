"""A user reports that another person used the account: "this was not me"."""

from provider.accounts.access import Cause, end_access
from provider.accounts.links import issue_link
from provider.accounts.passwords.password_reset import MAY_RESET
from provider.accounts.store import email_addresses, passwords, users
from provider.accounts.store.links import Purpose
from provider.audit.events import Event
from provider.audit.log import record
from provider.mail import messages
from provider.work import UnitOfWork


def report(work: UnitOfWork, *, user_id: str) -> None:
    """End all access and remove the password.

    An email with a link lets the user set a new password, unless the account is suspended. Without an address, or where
    passwords cannot be reset by email, the password and linked identities stay. Otherwise the user would have no way
    back. Two-factor authentication stays on.
    """
    address, user = email_addresses.find_of_user(work.db, user_id), users.find(work.db, user_id)
    may_reset = address is not None and work.settings.has("reset-passwords")
    cause = Cause.COMPROMISE_REPORTED if may_reset else Cause.COMPROMISE_REPORTED_NO_RESET
    end_access(work, user_id=user_id, cause=cause)
    record(work, Event.COMPROMISE_REPORTED, user_id=user_id)
    if address is None or not may_reset:
        return
    passwords.remove(work.db, user_id)
    if user is not None and user.status in MAY_RESET:
        link = issue_link(work, purpose=Purpose.RESET, address=address)
        messages.account_secured(work, to=address.address, token=link.token)
