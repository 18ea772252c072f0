"""The letter that asks to confirm an address, and the ticket with which its page is shown.

A ticket is sealed and travels in the URL of "check your mail". Whoever signs up with an address that has an account
already gets a claim, a link and a ticket like anybody, except that the letter goes to the owner and holds no code or
link: pages and times tell nobody who has an account.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from provider.accounts import throttle
from provider.accounts.links import issue_link
from provider.accounts.store import email_addresses, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import Status
from provider.accounts.timing import constant_time_response
from provider.mail import messages
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


def may_write_to(work: UnitOfWork, normal: str, purpose: Purpose) -> bool:
    """Is another letter to this address, asked for from this network, within the limits? Counts it.

    Only a second press of the same button waits for half a minute: whoever reads in the letter of a sign-up that they
    have an account may ask for a new password at once.
    """
    # All three are counted whatever the first one says: a refused letter costs the same as a sent one.
    room = (
        has_room(work, LIMITS.mail, key=f"mail:{work.origin.network}"),
        has_room(work, LIMITS.mail_per_address, key=f"mailbox:{normal}"),
        has_room(work, LIMITS.mail_resend, key=f"resend:{purpose}:{normal}"),
    )
    return all(room)


def send_verification(
    work: UnitOfWork, address: EmailAddress, *, browser: str | None, carry: Mapping[str, str]
) -> None:
    """A new letter; the link and the code of the one before no longer work. While the address is somebody else's, those
    of this one go to nobody: the letter tells its owner where the account is.
    """
    link = issue_link(work, purpose=Purpose.VERIFY, address=address, browser=browser)
    throttle.settle(work, throttle.EMAIL_CODE, address.id)
    proven, _ = email_addresses.find_rivals(work.db, address.normal)
    if proven is not None:
        user, owned = proven
        messages.already_registered(work, to=owned.address, carry=carry, language=user.language)
    else:
        messages.verify_email(work, to=address.address, token=link.token, code=link.code, carry=carry)


def resend(work: UnitOfWork, ticket: Ticket, *, browser: str, carry: Mapping[str, str]) -> None:
    """Another letter, unless there were enough: silently, the page looks the same."""
    with constant_time_response(work):
        if may_write_to(work, ticket.normal, Purpose.VERIFY):
            _send_again(work, ticket, browser=browser, carry=carry)


def _send_again(work: UnitOfWork, ticket: Ticket, *, browser: str, carry: Mapping[str, str]) -> None:
    address = email_addresses.find(work.read, ticket.address_id)
    user = None if address is None else users.find(work.read, address.user_id)
    if address and user and user.status == Status.INACTIVE and address.verified_at is None:
        send_verification(work, address, browser=browser, carry=carry)


def ticket_for(address: EmailAddress) -> Ticket:
    return Ticket(address.id, address.address, address.normal)
