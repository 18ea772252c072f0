"""Emails that an operator sends to a user: to verify the address, or to set a new password.

There are no limits per mailbox, and the operator gets an error if there is nothing to send.
"""

from provider.accounts.email.email_addresses import AlreadyConfirmed
from provider.accounts.email.verification_emails import send_verification
from provider.accounts.links import issue_link
from provider.accounts.passwords.password_reset import MAY_RESET
from provider.accounts.store import email_addresses, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import Status, User
from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.work import UnitOfWork

UNVERIFIED = (Status.INACTIVE, Status.ACTIVE)
"""Statuses with which a user can verify an address. ACTIVE users may have signed up while that was not needed."""


class NotNow(Refusal):
    code = "not-now"
    status_code = 409
    message = Text("This email can't be sent while the account is in its current state.")


def require_choice(work: UnitOfWork, user: User | None = None) -> None:
    """Raise NotNow unless users can set a password, and this user may do so.

    A link created for a suspended account would become valid when the account is restored.
    """
    if not work.settings.has("reset-passwords") or (user is not None and user.status not in MAY_RESET):
        raise NotNow


def send_reset(work: UnitOfWork, *, user_id: str) -> None:
    """Email a link to set a new password. Raises NoSuchUser, or NotNow if the user could not use the link."""
    user, address = find_holder(work, user_id)
    require_choice(work, user)
    token = issue_link(work, purpose=Purpose.RESET, address=address).token
    messages.reset_password(work, to=address.address, token=token, carry={}, language=user.language)
    record(work, Event.PASSWORD_RESET_REQUESTED, user_id=user_id)


def send_verification_again(work: UnitOfWork, *, user_id: str) -> None:
    """Email a link and a code to verify the address.

    Raises NoSuchUser, AlreadyConfirmed, or NotNow unless the account waits for verification or is active without it.
    """
    user, address = find_holder(work, user_id)
    if address.verified_at is not None:
        raise AlreadyConfirmed
    if user.status not in UNVERIFIED:
        raise NotNow
    send_verification(work, address, browser=None, carry={})  # bound to no browser: it will ask for the password
    record(work, Event.VERIFICATION_SENT, user_id=user_id)


def find_holder(work: UnitOfWork, user_id: str) -> tuple[User, EmailAddress]:
    """Return the user and the address. Raises NoSuchUser, also for a user without an address."""
    user, address = users.find(work.read, user_id), email_addresses.find_of_user(work.read, user_id)
    if user is None or address is None:
        raise NoSuchUser
    return user, address
