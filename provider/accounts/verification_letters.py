"""The letter that asks to confirm an address, and the ticket with which its page is shown.

A ticket is sealed and travels in the URL of "check your mail". One for an address that has an account already looks and
works like any other, except that no code fits it: pages and times tell nobody who has an account.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from provider.accounts import throttle
from provider.accounts.email_addresses import Address
from provider.accounts.even_pace import even_pace
from provider.accounts.links import issue_link
from provider.accounts.store import email_addresses, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import Status
from provider.mail import letters
from provider.ratelimits import LIMITS, has_room
from provider.work import UnitOfWork

TICKET = "verify-email"


@dataclass(frozen=True)
class Ticket:
    """Who may type the code: whoever signed up, or signed in with the right password."""

    address_id: str
    address: str
    normal: str


def seal_ticket(work: UnitOfWork, ticket: Ticket) -> str:
    lifetime = work.settings.verify_link_lifetime
    return work.vault.seal(ticket.__dict__, purpose=TICKET, now=work.now, lifetime=lifetime)


def open_ticket(work: UnitOfWork, text: str | None) -> Ticket | None:
    """None when it is not one of ours, or too old."""
    value = None if not text else work.vault.unseal(text, purpose=TICKET, now=work.now)
    return None if value is None else Ticket(**value)


def is_confirmed(work: UnitOfWork, ticket: Ticket) -> bool:
    address = email_addresses.find(work.read, ticket.address_id)
    return address is not None and address.verified_at is not None


def may_write_to(work: UnitOfWork, normal: str) -> bool:
    """Is another letter to this address, asked for from this network, within the limits? Counts it."""
    # All three are counted whatever the first one says: a refused letter costs the same as a sent one.
    room = (
        has_room(work, LIMITS.mail, key=f"mail:{work.origin.network}"),
        has_room(work, LIMITS.mail_per_address, key=f"mailbox:{normal}"),
        has_room(work, LIMITS.mail_resend, key=f"resend:{normal}"),
    )
    return all(room)


def send_verification(
    work: UnitOfWork, address: EmailAddress, *, browser: str | None, carry: Mapping[str, str]
) -> None:
    """A new letter; the link and the code of the one before no longer work."""
    link = issue_link(work, purpose=Purpose.VERIFY, address=address, browser=browser)
    throttle.settle(work, throttle.EMAIL_CODE, address.id)
    letters.verify_email(work, to=address.address, token=link.token, code=link.code, carry=carry)


def resend(work: UnitOfWork, ticket: Ticket, *, browser: str, carry: Mapping[str, str]) -> None:
    """Another letter, unless there were enough: silently, the page looks the same."""
    with even_pace(work):
        if may_write_to(work, ticket.normal):
            _send_again(work, ticket, browser=browser, carry=carry)


def _send_again(work: UnitOfWork, ticket: Ticket, *, browser: str, carry: Mapping[str, str]) -> None:
    address = email_addresses.find(work.read, ticket.address_id)
    if address is None:
        owner = email_addresses.find_owner(work.read, ticket.normal)
        if owner is not None and owner[1].verified_at is not None:  # it may be free by now
            letters.already_registered(work, to=owner[1].address, carry=carry)
        return
    user = users.find(work.read, address.user_id)
    if user is not None and user.status == Status.INACTIVE and address.verified_at is None:
        send_verification(work, address, browser=browser, carry=carry)


def ticket_for(address: EmailAddress) -> Ticket:
    return Ticket(address.id, address.address, address.normal)


def ticket_for_nobody(address: Address, address_id: str) -> Ticket:
    """For an address that has an account: `address_id` is a fresh one that no row has."""
    return Ticket(address_id, address.text, address.normal)
