"""Resetting a password in three steps: request (always the same answer), open the link, choose."""

from collections.abc import Mapping

from provider.accounts.access import Cause, end_access
from provider.accounts.email.email_addresses import Address
from provider.accounts.email.home_realms import must_sign_in_elsewhere
from provider.accounts.email.verification_emails import may_write_to, send_verification
from provider.accounts.links import find_link, issue_link
from provider.accounts.passwords.directories import find_directory_user
from provider.accounts.passwords.passwords import about_person, problem_of
from provider.accounts.store import email_addresses, links, passwords, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Link, LinkStatus, Purpose
from provider.accounts.store.users import Status, User
from provider.accounts.timing import constant_time_response
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.passwords import hash_password
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.work import UnitOfWork

MAY_RESET = (Status.ACTIVE, Status.LEAVING)
"""Statuses with which a password can be reset. A LEAVING user must be able to sign in to keep the account."""


class InvalidResetLink(Refusal):
    code = "reset-link-dead"
    title = Text("This link no longer works")
    message = Text("It has expired, or we sent you a newer one. Request a new link.")


class ResetLinkUsed(Refusal):
    code = "reset-link-used"
    title = Text("This link has already been used")
    message = Text("Each link works once. If you didn't just choose a new password, request a new link.")


class InvalidPassword(Refusal):
    """A new password that is not accepted. The message says what is wrong with it."""

    code = "unfit-password"


def request_reset(work: UnitOfWork, *, address: Address, carry: Mapping[str, str]) -> None:
    """Email a link to the owner of the address, if there is one and the limits allow it.

    The response does not reveal whether an email was sent.
    """
    with constant_time_response(work):
        may_mail = may_write_to(work, address.normal, Purpose.RESET)
        owner = email_addresses.find_owner(work.read, address.normal)
        record(work, Event.PASSWORD_RESET_REQUESTED, user_id=None if owner is None else owner[0].id)
        if owner is not None and may_mail:
            _write_to(work, *owner, carry=carry)


def _write_to(work: UnitOfWork, user: User, address: EmailAddress, *, carry: Mapping[str, str]) -> None:
    theirs = find_directory_user(work, user.id)
    if theirs is not None:
        messages.password_elsewhere(work, to=address.address, provider=theirs.directory.name, language=user.language)
    elif must_sign_in_elsewhere(work, address.normal):
        return
    elif user.status in MAY_RESET:
        token = issue_link(work, purpose=Purpose.RESET, address=address).token
        messages.reset_password(work, to=address.address, token=token, carry=carry, language=user.language)
    elif user.status == Status.INACTIVE and work.settings.has("email-verification"):
        # No password to reset before the address is proven. Not bound to this browser: whoever asks here has shown
        # nothing, so the link will ask for the password of the sign-up.
        send_verification(work, address, browser=None, carry=carry)


def require_open_link(work: UnitOfWork, token: str | None) -> Link:
    """Return the link if it can still be used, without using it. Raises ResetLinkUsed or InvalidResetLink."""
    link = find_link(work, token, Purpose.RESET, Purpose.INVITE)
    if link is not None and link.status == LinkStatus.CLAIMED:
        raise ResetLinkUsed
    if link is None or not link.is_open(work.now):
        raise InvalidResetLink
    return link


def address_of(work: UnitOfWork, link: Link) -> EmailAddress | None:
    return email_addresses.find(work.read, link.address_id)


def reset_password(work: UnitOfWork, *, token: str | None, password: str) -> None:
    """Set the password; every session, pending sign-in and other link of the user ends.

    It does not sign the user in, and two-factor authentication stays on (OWASP ASVS v5.0.0-6.4.3). Raises
    InvalidResetLink, ResetLinkUsed or InvalidPassword.
    """
    link = require_open_link(work, token)
    address = address_of(work, link)
    user = users.find(work.read, link.user_id)
    if user is None or address is None or user.status not in MAY_RESET:
        raise InvalidResetLink
    if must_sign_in_elsewhere(work, address.normal) or find_directory_user(work, user.id) is not None:
        raise InvalidResetLink
    problem = problem_of(work.settings, password, about=about_person(user.claims, address.normal))
    if problem is not None:
        raise InvalidPassword(problem)
    hashed = hash_password(password, cost=work.settings.bcrypt_cost)
    if not links.spend(work.db, link.id, now=work.now):
        raise ResetLinkUsed
    # With a password the account is being taken back, maybe from whoever linked something to it. A first password is
    # only one more way in.
    is_first = passwords.find(work.db, user.id) is None
    passwords.replace(work.db, user.id, hashed, now=work.now)
    end_access(work, user_id=user.id, cause=Cause.FIRST_PASSWORD if is_first else Cause.PASSWORD_RESET)
    record(work, Event.PASSWORD_RESET, user_id=user.id)
    messages.password_was_reset(work, to=address.address, language=user.language)
