"""Email addresses: parsing them, and verifying them by the code or link in an email, or by an operator."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provider.accounts import throttle
from provider.accounts.links import find_link, find_link_by_code, is_of_browser
from provider.accounts.passwords import passwords
from provider.accounts.store import email_addresses, links, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Link, LinkStatus, Purpose
from provider.audit.events import Event
from provider.audit.log import record
from provider.config.settings import Settings
from provider.config.sign_up import matches, readable
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.text import Text
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.refusals import Refusal
from provider.work import UnitOfWork

MAX_TYPED = 1000
"""The longest text that is parsed, in characters. An address has at most 254; normalizing takes quadratic time."""


FEW_DOMAINS = 3
"""The most accepted domains that a message names."""


@dataclass(frozen=True)
class Address:
    """An email address as typed and in normal form (NFC, lower case). A part after a plus sign belongs to it."""

    text: str
    normal: str
    domain: str
    """The domain in lower case and with A-labels, as it is looked up."""


def parse_address(text: str) -> Address | None:
    """Parse an email address; return None if no email could be sent to it.

    Makes no DNS query: the result must not depend on the network.
    """
    if len(text) > MAX_TYPED:
        return None
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # slow to load

    try:
        text = clean_line(text, most=MAX_TYPED)  # phones paste an address between direction controls
        # Installations live in private networks too: one-label and reserved test domains are addresses there.
        checked = validate_email(text, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except (EmailNotValidError, InvalidText):
        return None
    # On the way, domains are A-labels (RFC 5891); the limits are of RFC 5321 section 4.5.3.1, in bytes.
    sent = f"{checked.local_part}@{checked.ascii_domain}".encode()
    if len(sent) > 254 or len(checked.local_part.encode()) > 64:
        return None
    normal = unicodedata.normalize("NFC", checked.normalized.lower())
    return Address(checked.normalized, normal, checked.ascii_domain.lower())


def problem_of_address(settings: Settings, address: Address | None) -> Text | None:
    """Return what keeps this installation from sending email to an address that a user typed, or None."""
    if address is None:
        return Text("Enter an email address, like name@example.com.")
    if not settings.smtp_utf8 and not address.text.rpartition("@")[0].isascii():
        return Text("We can't send email to this address. Use one without accented or non-Latin letters before the @.")
    return None


def problem_of_own_address(settings: Settings, address: Address | None) -> Text | None:
    """Return why users cannot choose this address for their account, or None."""
    problem = problem_of_address(settings, address)
    return problem_of_domain(settings, address) if problem is None and address is not None else problem


def problem_of_domain(settings: Settings, address: Address) -> Text | None:
    """Return why accounts cannot have an address at this domain, or None. Operators may use any domain."""
    allowed = settings.email_domains_allowed
    if not matches(address.domain, settings.email_domains_blocked) and (
        not allowed or matches(address.domain, allowed)
    ):
        return None
    if 0 < len(allowed) <= FEW_DOMAINS:
        return Text("Use an email address at %(domains)s.", domains=", ".join(sorted(map(readable, allowed))))
    typed = address.text.rpartition("@")[2]
    return Text("Email addresses at %(domain)s are not accepted here. Use a different one.", domain=typed)


class WrongCode(Refusal):
    """A code that is wrong, expired or tried too often. All three get the same answer."""

    code = "wrong-code"
    message = Text("That code is wrong or has expired. Check it or request a new one.")


class WrongSignUpPassword(Refusal):
    """A verification link or code used in another browser, without the password chosen at sign-up."""

    code = "wrong-sign-up-password"
    message = Text("Wrong password. Enter the password you chose when you signed up.")


class InvalidLink(Refusal):
    """A verification link that is unknown, expired or replaced by a newer email."""

    code = "link-dead"
    title = Text("This link no longer works")
    message = Text("It has expired, or we sent you a newer one. Sign in to get a new link.")


class AlreadyConfirmed(Refusal):
    code = "already-confirmed"
    title = Text("Email address already confirmed")
    message = Text("This email address is already confirmed. You don't need to do anything.")


@dataclass(frozen=True)
class Confirmation:
    """A confirmed address: whose it is, and when that user typed the password in this browser, if it was lately."""

    user_id: str
    address: EmailAddress
    password_at: datetime | None


class LinkState(StrEnum):
    """The state of a verification link: what the page that shows it can offer."""

    BUTTON = "button"
    BUTTON_AND_PASSWORD = "button_and_password"  # noqa: S105  # another browser than the one that signed up
    CONFIRMED = "confirmed"
    DEAD = "dead"


def look_at_link(
    work: UnitOfWork, token: str | None, *, browser: str | None, signed_up: str | None = None
) -> tuple[LinkState, EmailAddress | None]:
    """Return the link's state and its address, or None if there is no address.

    `signed_up` is the id of an address whose sign-up, or right password, the caller has proof of: a ticket. Consumes
    nothing, because mail scanners open links.
    """
    link = find_link(work, token, Purpose.VERIFY)
    address = None if link is None else email_addresses.find(work.read, link.address_id)
    if link is None or address is None:
        return LinkState.DEAD, None
    if link.status == LinkStatus.CLAIMED or address.verified_at is not None:
        return LinkState.CONFIRMED, address
    if not link.is_open(work.now):
        return LinkState.DEAD, address
    is_own = is_of_browser(link, browser) or link.address_id == signed_up
    return (LinkState.BUTTON if is_own else LinkState.BUTTON_AND_PASSWORD), address


def confirm_by_link(
    work: UnitOfWork, *, token: str | None, browser: str | None, password: str, signed_up: str | None = None
) -> Confirmation:
    """Confirm the address the link was sent to.

    In any browser but the one that signed up, the password is required too, except with a ticket (`signed_up`). A
    stranger may have signed up with this address. The owner of the mailbox must not activate an account whose password
    the stranger knows.

    Raises InvalidLink, AlreadyConfirmed, WrongSignUpPassword or TooManyRequests.
    """
    state, address = look_at_link(work, token, browser=browser, signed_up=signed_up)
    link = find_link(work, token, Purpose.VERIFY)
    if link is None or address is None or state is LinkState.DEAD:
        raise InvalidLink
    if state is LinkState.CONFIRMED:
        raise AlreadyConfirmed
    if state is LinkState.BUTTON_AND_PASSWORD:
        return _confirm_by_password(work, link, address, password)
    _confirm(work, link)
    return Confirmation(link.user_id, address, _password_at(work, link, browser))


def confirm_by_token(work: UnitOfWork, *, token: str) -> None:
    """Confirm the address by the link's token alone, for a program of the operator.

    The program is responsible for who followed the link. Raises InvalidLink.
    """
    link = find_link(work, token, Purpose.VERIFY)
    if link is None or (link.status != LinkStatus.CLAIMED and not link.is_open(work.now)):
        raise InvalidLink
    _confirm(work, link)


def code_needs_password(work: UnitOfWork, address_id: str, *, browser: str | None) -> bool:
    """Return whether `confirm_by_code` needs the password too in this browser (its cookie)."""
    address = email_addresses.find(work.read, address_id)
    link = None if address is None else links.find_latest(work.read, address.user_id, Purpose.VERIFY)
    return link is not None and not is_of_browser(link, browser)


def confirm_by_code(
    work: UnitOfWork,
    *,
    address_id: str,
    code: str,
    browser: str | None = None,
    password: str = "",
    in_app: bool = False,
) -> Confirmation:
    """Confirm the address by the code typed on the page shown after sign-up.

    The page has a URL, which whoever signed up can send to the owner of the mailbox. So the password is required as for
    the link, except in the browser that signed up (its cookie) and with `in_app`: a first-party app keeps the ticket of
    its own user. Five wrong codes end the code, but not the link.

    Raises WrongCode, WrongSignUpPassword, AlreadyConfirmed or TooManyRequests.
    """
    network = of_network(work, "code")
    require_room(work, LIMITS.code, key=network)
    try:
        throttle.reserve(work, throttle.EMAIL_CODE, address_id)
    except throttle.Exhausted:
        raise WrongCode from None
    link = find_link_by_code(work, address_id=address_id, typed=code, purpose=Purpose.VERIFY)
    address = None if link is None else email_addresses.find(work.read, link.address_id)
    if link is None or address is None:
        count(work, LIMITS.code, key=network)
        raise WrongCode
    if not in_app and not is_of_browser(link, browser):
        return _confirm_by_password(work, link, address, password)
    throttle.settle(work, throttle.EMAIL_CODE, address_id)
    _confirm(work, link)
    return Confirmation(link.user_id, address, _password_at(work, link, browser))


def verify_by_operator(work: UnitOfWork, *, user_id: str) -> None:
    """Mark the user's address as verified, on behalf of an operator.

    Raises Refusal without an address, or AlreadyConfirmed.
    """
    address = email_addresses.find_of_user(work.read, user_id)
    if address is None:
        raise Refusal("There is no such user, or the user has no address.")  # to an operator
    if address.verified_at is not None:
        raise AlreadyConfirmed
    if not _verify(work, address.id, user_id, by="operator"):
        raise AlreadyConfirmed(Text("This email address is already used by another account."))
    links.expire_all(work.db, user_id, Purpose.VERIFY)


def _confirm_by_password(work: UnitOfWork, link: Link, address: EmailAddress, password: str) -> Confirmation:
    """Confirm by the password chosen at sign-up, where nothing else shows that this user signed up.

    Raises WrongSignUpPassword, AlreadyConfirmed or TooManyRequests.
    """
    subject = throttle.subject_of_unproven(work, address.normal)
    throttle.reserve(work, throttle.PASSWORD, subject)
    is_right = passwords.is_password_of(work, link.user_id, password)
    throttle.settle(work, throttle.EMAIL_CODE, address.id)  # the link or code was right
    if not is_right:
        raise WrongSignUpPassword
    throttle.settle(work, throttle.PASSWORD, subject)
    _confirm(work, link)
    return Confirmation(link.user_id, address, work.now)


def _password_at(work: UnitOfWork, link: Link, browser: str | None) -> datetime | None:
    """Return when the password was typed in this browser, if it was, and not longer ago than a sign-in may take."""
    if link.password_at is None or not is_of_browser(link, browser):
        return None
    return link.password_at if work.now - link.password_at < work.settings.request_lifetime else None


def _confirm(work: UnitOfWork, link: Link) -> None:
    if not links.spend(work.db, link.id, now=work.now):
        raise AlreadyConfirmed  # by a second press of the button
    links.expire_all(work.db, link.user_id, Purpose.VERIFY)
    if not _verify(work, link.address_id, link.user_id, by="letter"):
        raise AlreadyConfirmed  # meanwhile, by another user who signed up with it


def _verify(work: UnitOfWork, address_id: str, user_id: str, *, by: str) -> bool:
    """Verify the address and activate the account. Returns False if another user verified it."""
    if not email_addresses.verify(work.db, address_id, now=work.now):
        return False
    users.activate(work.db, user_id, now=work.now)
    record(work, Event.EMAIL_VERIFIED, user_id=user_id, by=by)
    return True
