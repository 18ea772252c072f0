"""Emails that ask to verify an address, and the ticket with which the "check your mail" page is shown.

A ticket is sealed and travels in the URL of that page. A sign-up with an address that has an account already gets a
claim, a link and a ticket like any other. Only the email differs: it goes to the owner and has no code or link. Neither
pages nor response times reveal whether an address has an account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from provider.accounts import throttle
from provider.accounts.links import has_failed, is_of_browser, issue_link
from provider.accounts.store import email_addresses, links, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import Status
from provider.accounts.timing import constant_time_response
from provider.mail import messages
from provider.ratelimits import LIMITS, has_room, of_network
from provider.work import UnitOfWork

TICKET = "verify-email"


@dataclass(frozen=True)
class Ticket:
    """Permission to type the code. It goes to the user who signed up, or who signed in with the right password."""

    address_id: str
    address: str
    normal: str


def seal_ticket(work: UnitOfWork, ticket: Ticket) -> str:
    lifetime = work.settings.verify_link_lifetime
    return work.vault.seal(ticket.__dict__, purpose=TICKET, now=work.now, lifetime=lifetime)


def open_ticket(work: UnitOfWork, text: str | None) -> Ticket | None:
    """Return the ticket, or None if it is not one of ours or has expired."""
    value = None if not text else work.vault.unseal(text, purpose=TICKET, now=work.now)
    return None if value is None else Ticket(**value)


def is_confirmed(work: UnitOfWork, ticket: Ticket) -> bool:
    address = email_addresses.find(work.read, ticket.address_id)
    return address is not None and address.verified_at is not None


def is_undelivered(work: UnitOfWork, ticket: Ticket) -> bool:
    """Return whether the latest verification email was given up, be it to the owner of a taken address or not."""
    address = email_addresses.find(work.read, ticket.address_id)
    return address is not None and has_failed(work, user_id=address.user_id, purpose=Purpose.VERIFY)


def may_write_to(work: UnitOfWork, normal: str, purpose: Purpose) -> bool:
    """Count an email to this address, requested from this network; return whether it is within the limits.

    Only a second press of the same button has to wait half a minute. A user whose sign-up email says that they have an
    account may request a new password immediately.
    """
    # All three are counted whatever the first one says: an email that is not sent costs the same as one that is.
    room = (
        has_room(work, LIMITS.mail, key=of_network(work, "mail")),
        has_room(work, LIMITS.mail_per_address, key=f"mailbox:{normal}"),
        has_room(work, LIMITS.mail_resend, key=f"resend:{purpose}:{normal}"),
    )
    return all(room)


def send_verification(
    work: UnitOfWork,
    address: EmailAddress,
    *,
    browser: str | None,
    carry: Mapping[str, str],
    password_at: datetime | None = None,
) -> None:
    """Email a new link and code; those of the previous email stop working.

    `password_at` is when the password was typed in this browser: the link or code can then sign the user in there.

    While the address belongs to another user, the new link and code are sent to no one. That user gets an email saying
    that they already have an account.
    """
    link = issue_link(work, purpose=Purpose.VERIFY, address=address, browser=browser, password_at=password_at)
    throttle.settle(work, throttle.EMAIL_CODE, address.id)
    owner, _ = email_addresses.find_owner_and_claimant(work.db, address.normal)
    if owner is not None and owner[0].id != address.user_id:
        user, owned = owner
        sent = messages.already_registered(work, to=owned.address, carry=carry, language=user.language)
    else:
        sent = messages.verify_email(work, to=address.address, token=link.token, code=link.code, carry=carry)
    links.set_message(work.db, link.id, sent)


def resend(work: UnitOfWork, ticket: Ticket, *, browser: str | None, carry: Mapping[str, str]) -> None:
    """Send another verification email if the limits allow it. The response is the same either way.

    Its link and code work without the password in this browser (its cookie) only if those before did: the ticket is in
    a URL, and anyone who has that can press the button.
    """
    with constant_time_response(work):
        if may_write_to(work, ticket.normal, Purpose.VERIFY):
            _send_again(work, ticket, browser=browser, carry=carry)


def _send_again(work: UnitOfWork, ticket: Ticket, *, browser: str | None, carry: Mapping[str, str]) -> None:
    address = email_addresses.find(work.read, ticket.address_id)
    user = None if address is None else users.find(work.read, address.user_id)
    if address and user and user.status == Status.INACTIVE and address.verified_at is None:
        before = links.find_latest(work.read, user.id, Purpose.VERIFY)
        # No password is typed to get another email: what was typed before counts in the browser that it was typed in.
        is_own = before is not None and is_of_browser(before, browser)
        password_at = before.password_at if before is not None and is_own else None
        send_verification(work, address, browser=browser if is_own else None, carry=carry, password_at=password_at)


def ticket_for(address: EmailAddress) -> Ticket:
    return Ticket(address.id, address.address, address.normal)
