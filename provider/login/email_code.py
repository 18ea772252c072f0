"""Signing in with a code from an email instead of the password (SIGNET_EMAIL_CODE_SIGN_IN).

The code is typed in the browser that asked for it. It shows who reads the mailbox, which also resets the password: one
factor, and never the second one. Nothing reveals who has an account: every address gets the same pages in the same
time, with a ticket that leads to a code or to none.
"""

from dataclasses import dataclass

from provider.accounts import throttle
from provider.accounts.email.email_addresses import Address, WrongCode
from provider.accounts.email.home_realms import must_sign_in_elsewhere
from provider.accounts.email.verification_emails import may_write_to
from provider.accounts.links import is_code_of, is_of_browser, issue_link
from provider.accounts.passwords.password_reset import MAY_RESET
from provider.accounts.store import email_addresses, links, users
from provider.accounts.store.links import Link, Purpose
from provider.accounts.timing import constant_time_response
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.database.base import new_id
from provider.login.active import require_active
from provider.login.arrival import Arrival
from provider.login.steps import SignIn, begin_after_first_factor
from provider.mail import messages
from provider.observability.metrics import SIGN_INS
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.sessions.assurance import ONE_TIME_CODE
from provider.work import UnitOfWork

TICKET = "sign-in-code"


@dataclass(frozen=True)
class CodeTicket:
    """Permission to type a code. `link_id` belongs to the code that was emailed; for other addresses, to nothing."""

    link_id: str
    address: str
    normal: str


def seal_ticket(work: UnitOfWork, ticket: CodeTicket) -> str:
    lifetime = work.settings.verify_code_lifetime
    return work.vault.seal(ticket.__dict__, purpose=TICKET, now=work.now, lifetime=lifetime)


def open_ticket(work: UnitOfWork, text: str | None) -> CodeTicket | None:
    """Return the ticket, or None if it is not one of ours or has expired."""
    value = None if not text else work.vault.unseal(text, purpose=TICKET, now=work.now)
    return None if value is None else CodeTicket(**value)


def request_code(work: UnitOfWork, *, address: Address, browser: str) -> CodeTicket:
    """Email a code to the owner of the address, if there is one and the limits allow it.

    `browser` is the cookie of the browser in which the code will be typed. A code that was emailed before stays valid:
    someone else's request must not end it. If the limits allow no email, the ticket leads to the code that this browser
    asked for before.
    """
    with constant_time_response(work):
        may_mail = may_write_to(work, address.normal, Purpose.SIGN_IN)
        owner = email_addresses.find_owner(work.read, address.normal)
        record(work, Event.SIGN_IN_CODE_REQUESTED, user_id=None if owner is None else owner[0].id)
        link_id = new_id()
        is_elsewhere = must_sign_in_elsewhere(work, address.normal)
        if owner is not None and owner[0].status in MAY_RESET and not is_elsewhere:
            user, held = owner
            if may_mail:
                link = issue_link(work, purpose=Purpose.SIGN_IN, address=held, browser=browser)
                links.set_message(
                    work.db,
                    link.id,
                    messages.sign_in_code(work, to=held.address, code=link.code, language=user.language),
                )
                link_id = link.id
            else:
                before = links.find_open_of_browser(work.db, user.id, Purpose.SIGN_IN, digest(browser), now=work.now)
                link_id = link_id if before is None else before.id
        return CodeTicket(link_id, address.text, address.normal)


@SIGN_INS.count_refusals("email_code")
def sign_in_by_email_code(work: UnitOfWork, arrival: Arrival, *, ticket: CodeTicket, code: str) -> SignIn:
    """Check the code and begin a session. A second factor is due as after a password.

    The code works only in the browser that asked for it. Five wrong codes end the code, and wrong codes for one address
    have to wait as wrong passwords do, whether or not it has an account. Raises WrongCode, Suspended, DeletionPending,
    AddressUnconfirmed or TooManyRequests.
    """
    network = of_network(work, "code")
    require_room(work, LIMITS.code, key=network)
    subject = throttle.subject_of_unproven(work, ticket.normal)
    throttle.reserve(work, throttle.SIGN_IN_CODE, subject)
    try:
        throttle.reserve(work, throttle.EMAIL_CODE, ticket.link_id)
    except throttle.Exhausted:
        raise WrongCode from None
    link = links.find_one(work.read, ticket.link_id)
    if link is None or not _is_right(work, arrival, link, code) or not links.spend(work.db, link.id, now=work.now):
        count(work, LIMITS.code, key=network)
        user_id = None if link is None else link.user_id
        record(work, Event.SIGN_IN_FAILED, user_id=user_id, client_id=arrival.client_id, method="email_code")
        raise WrongCode
    user = users.find(work.db, link.user_id)
    if user is None:
        raise WrongCode
    links.expire_all(work.db, user.id, Purpose.SIGN_IN)
    throttle.settle(work, throttle.SIGN_IN_CODE, subject)
    throttle.settle(work, throttle.EMAIL_CODE, ticket.link_id)
    require_active(work, arrival, user, email_addresses.find(work.read, link.address_id))
    return begin_after_first_factor(work, arrival, user.id, user.security_stamp, factor=ONE_TIME_CODE)


def _is_right(work: UnitOfWork, arrival: Arrival, link: Link, code: str) -> bool:
    is_open = link.purpose == Purpose.SIGN_IN and link.is_open(work.now)
    return is_open and is_of_browser(link, arrival.browser) and is_code_of(work, link, code)
