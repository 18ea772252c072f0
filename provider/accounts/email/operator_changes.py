"""Changes of a user's email address by an operator: on the operator's word, or confirmed by the user.

An operator gets an error if another user has the address. Nothing in the previous mailbox undoes an operator's change,
because that mailbox may be the reason for it.
"""

from provider.accounts.email import email_change
from provider.accounts.email.email_change import SameAddress
from provider.accounts.email.home_realms import must_sign_in_elsewhere
from provider.accounts.email.new_addresses import AddressTaken, require_address
from provider.accounts.email.operator_emails import NotNow, find_holder
from provider.accounts.email.verification_emails import send_verification
from provider.accounts.store import email_addresses, links, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import Status, User
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.work import UnitOfWork


def set_address(work: UnitOfWork, *, user_id: str, email: str) -> None:
    """Change the address on the operator's word: it counts as verified, and an inactive account becomes active.

    Links sent to the previous address stop working, and a verified one is notified. Does nothing if this is the user's
    verified address already. Raises NoSuchUser, NotAnAddress or AddressTaken.
    """
    user, before = find_holder(work, user_id)
    address = require_address(work, email)
    changes, was_verified = address.text != before.address, before.verified_at is not None
    if was_verified and not changes:
        return
    is_other = address.normal != before.normal
    if is_other and not email_addresses.is_free(work.db, address.normal):
        raise AddressTaken
    if not email_change.replace(work, before, address=address.text, normal=address.normal):
        raise AddressTaken
    if (
        address.normal != before.normal
    ):  # links of earlier changes may be in the mailbox that is the reason for this one
        links.expire_all(work.db, user_id, Purpose.UNDO)
    users.activate(work.db, user_id, now=work.now)
    if changes:
        record(work, Event.EMAIL_CHANGED, user_id=user_id, by="operator")
    if not was_verified:
        record(work, Event.EMAIL_VERIFIED, user_id=user_id, by="operator")
    elif is_other:
        messages.email_changed(work, to=before.address, token=None, language=user.language)


def can_confirm(work: UnitOfWork, user: User, current: EmailAddress | None) -> bool:
    """Return whether the user can confirm a new address: signed in, on the page for it, or as the first address of an
    account that waits for verification. Users who may sign in only with an upstream cannot (`AddressManaged`).
    """
    has = work.settings.has
    if not has("email-verification"):
        return False
    if user.status == Status.INACTIVE:
        return current is None or current.verified_at is None
    is_managed = current is not None and must_sign_in_elsewhere(work, current.normal)
    return user.status == Status.ACTIVE and has("update-profile") and not is_managed


def request_change(work: UnitOfWork, *, user_id: str, email: str) -> None:
    """Email the new address a link with which the user, signed in, confirms it. The current address stays until then,
    and is notified if it is verified.

    The address of an account that waits for verification is replaced immediately, and its verification email is sent to
    the new one. Raises NoSuchUser, NotAnAddress, SameAddress, AddressTaken, or NotNow if the user could not confirm it.
    """
    user, current = find_holder(work, user_id)
    address = require_address(work, email)
    if address.normal == current.normal:
        raise SameAddress(Text("This is already the account's email address."))
    is_verified = current.verified_at is not None
    if not can_confirm(work, user, current):
        raise NotNow
    if not email_addresses.is_free(work.db, address.normal):
        raise AddressTaken
    if user.status != Status.INACTIVE:
        link = email_change.begin(work, current, address=address)
        sent = messages.change_email(work, to=address.text, token=link.token, code=None, language=user.language)
        links.set_message(work.db, link.id, sent)
        if is_verified:
            messages.email_change_requested(work, to=current.address, language=user.language)
    elif corrected := email_change.correct(work, current, address=address):
        send_verification(work, corrected, browser=None, carry={})  # in any browser, with the password
        record(work, Event.EMAIL_CHANGED, user_id=user_id, by="operator")
        record(work, Event.VERIFICATION_SENT, user_id=user_id)
    else:
        raise NotNow  # verified meanwhile
