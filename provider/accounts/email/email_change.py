"""Changing the email address of an account: requested after a recent sign-in, confirmed by the new mailbox.

The old address is notified. It stays until the new one is confirmed; for some time after, a link in the old mailbox
undoes the change. Whether the new address belongs to another user is never revealed: pages and emails look the same.
"""

import dataclasses

from provider.accounts import search, throttle
from provider.accounts.access import Cause, end_access
from provider.accounts.compromise_report import Plan, plan_report, report
from provider.accounts.email.email_addresses import Address, InvalidLink, WrongCode
from provider.accounts.email.home_realms import find_home_realm, must_sign_in_elsewhere
from provider.accounts.email.verification_emails import may_write_to
from provider.accounts.links import NewLink, find_link, find_link_by_code, issue_link
from provider.accounts.store import email_addresses, email_changes, links, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.email_changes import EmailChange
from provider.accounts.store.links import Link, LinkStatus, Purpose
from provider.accounts.timing import constant_time_response
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.refusals import Forbidden, Refusal
from provider.saved_settings.upstreams import HomeRealm
from provider.sessions.store import Session
from provider.signals import publish as signals
from provider.work import UnitOfWork


class SameAddress(Refusal):
    code = "same-address"
    message = Text("This is already your email address.")


class AddressManaged(Refusal):
    """The user may sign in only with an upstream provider, because of the domain of the address. With another address,
    a password or an email code from here would be enough. Operators can change it.
    """

    code = "address-managed"
    status_code = 403
    title = Forbidden.title

    def __init__(self, realm: HomeRealm) -> None:
        super().__init__(
            Text("%(name)s manages your email address. Contact your administrator to change it.", name=realm.name)
        )


class AlreadyChanged(Refusal):
    code = "already-changed"
    title = Text("Email address already changed")
    message = Text("This email address is already confirmed. You don't need to do anything.")


class InvalidUndoLink(Refusal):
    code = "undo-dead"
    title = Text("This link no longer works")
    message = Text("It has expired or has already been used.")


def find_pending(work: UnitOfWork, user_id: str) -> str | None:
    """Return the new address that is waiting to be confirmed, or None."""
    pending = email_changes.find_pending(work.read, user_id, now=work.now)
    return None if pending is None else pending.address


def require_own(work: UnitOfWork, current: EmailAddress | None) -> None:
    """Raise AddressManaged if users with this address may sign in only with an upstream."""
    realm = None if current is None else find_home_realm(work, current.normal)
    if realm is not None and realm.is_required:
        raise AddressManaged(realm)


def request_change(work: UnitOfWork, session: Session, *, address: Address) -> None:
    """Email a link and a code to the new address, and a notice to the old one. Raises SameAddress or AddressManaged.

    Over the limits on emails, nothing is sent and the response is the same.
    """
    current = email_addresses.find_of_user(work.read, session.user_id)
    if current is None or current.normal == address.normal:
        raise SameAddress
    require_own(work, current)
    with constant_time_response(work):
        if not may_write_to(work, address.normal, Purpose.CHANGE):
            return
        owner, _ = email_addresses.find_owner_and_claimant(work.read, address.normal)
        link = begin(work, current, address=address)
        if owner is not None:
            sent = messages.address_taken(work, to=address.text, language=owner[0].language)  # no one gets the code
        else:
            sent = messages.change_email(work, to=address.text, token=link.token, code=link.code)
        links.set_message(work.db, link.id, sent)
        if current.verified_at is not None:
            messages.email_change_requested(work, to=current.address)


def begin(work: UnitOfWork, current: EmailAddress, *, address: Address) -> NewLink:
    """Create the link and the code that confirm the change; those of an earlier request stop working."""
    link = issue_link(work, purpose=Purpose.CHANGE, address=current)
    email_changes.add(work.db, EmailChange(link.id, address.text, address.normal))
    throttle.settle(work, throttle.EMAIL_CODE, current.id)
    record(work, Event.EMAIL_CHANGE_REQUESTED, user_id=current.user_id)
    return link


def cancel(work: UnitOfWork, *, user_id: str) -> bool:
    """Cancel the pending change of address; its code and its link stop working. Returns False if none is pending."""
    if find_pending(work, user_id) is None:
        return False
    links.expire_all(work.db, user_id, Purpose.CHANGE)
    record(work, Event.EMAIL_CHANGE_CANCELLED, user_id=user_id)
    return True


def confirm_by_code(work: UnitOfWork, *, user_id: str, code: str) -> None:
    """Confirm the change by the code from the email, typed by the signed-in user.

    Five wrong codes end the code. Raises WrongCode or TooManyRequests.
    """
    current = email_addresses.find_of_user(work.read, user_id)
    if current is None:
        raise WrongCode
    network = of_network(work, "code")
    require_room(work, LIMITS.code, key=network)
    try:
        throttle.reserve(work, throttle.EMAIL_CODE, current.id)
    except throttle.Exhausted:
        raise WrongCode from None
    link = find_link_by_code(work, address_id=current.id, typed=code, purpose=Purpose.CHANGE)
    if link is None:
        count(work, LIMITS.code, key=network)
        raise WrongCode
    throttle.settle(work, throttle.EMAIL_CODE, current.id)
    if not _carry_out(work, link):
        raise WrongCode


def look_at_link(work: UnitOfWork, session: Session, token: str | None) -> EmailChange:
    """Return the change that the link would confirm. Raises InvalidLink or AlreadyChanged; consumes nothing.

    Only the user who requested the change may follow the link. If the address was mistyped, the stranger who received
    the email must not get the account.
    """
    link = find_link(work, token, Purpose.CHANGE)
    if link is None or link.user_id != session.user_id:
        raise InvalidLink
    if link.status == LinkStatus.CLAIMED:
        raise AlreadyChanged
    change = email_changes.find(work.read, link.id)
    if change is None or not link.is_open(work.now):
        raise InvalidLink
    return change


def confirm_by_link(work: UnitOfWork, session: Session, *, token: str | None) -> None:
    look_at_link(work, session, token)
    link = find_link(work, token, Purpose.CHANGE)
    if link is None or not _carry_out(work, link):
        raise InvalidLink


def look_at_undo(work: UnitOfWork, token: str | None) -> EmailChange:
    """Return the change that the link would make, back to the old address. Raises InvalidUndoLink; consumes nothing."""
    link = find_link(work, token, Purpose.UNDO)
    change = None if link is None or not link.is_open(work.now) else email_changes.find(work.read, link.id)
    if change is None:
        raise InvalidUndoLink
    return change


def plan_undo(work: UnitOfWork, token: str | None) -> Plan:
    """Return what `undo` would do about the ways to sign in. Raises InvalidUndoLink."""
    change, link = look_at_undo(work, token), find_link(work, token, Purpose.UNDO)
    if link is None:
        raise InvalidUndoLink
    return plan_report(work, user_id=link.user_id, normal=change.normal)


def undo(work: UnitOfWork, *, token: str | None) -> Plan:
    """Restore the old address and end all access: sessions, tokens and the password. Returns what the report did.
    Raises InvalidUndoLink.

    It needs no sign-in. The mailbox belonged to the account, and an attacker who took the account may have locked its
    owner out.
    """
    change, link = look_at_undo(work, token), find_link(work, token, Purpose.UNDO)
    if link is None or not links.spend(work.db, link.id, now=work.now):
        raise InvalidUndoLink
    before = email_addresses.find(work.db, link.address_id)
    if before is None or not _put(work, before, address=change.address, normal=change.normal):
        raise InvalidUndoLink
    # Links that undo later changes lead to the mailboxes of those who made them. Earlier ones stay: they lead further
    # back, and the oldest address has the last word.
    links.expire_after(work.db, link.user_id, Purpose.UNDO, since=link.created_at)
    users.touch(work.db, link.user_id, now=work.now)
    search.index(work, link.user_id)
    record(work, Event.EMAIL_CHANGE_UNDONE, user_id=link.user_id)
    return report(work, user_id=link.user_id)


def _carry_out(work: UnitOfWork, link: Link) -> bool:
    """Change the address and notify the old one, unless it was never verified: a stranger may read that mailbox, and
    would get a link that undoes the change.

    Returns False if the link was used, another user verified the address, or the user may sign in only with an upstream
    by now.
    """
    change, before = email_changes.find(work.read, link.id), email_addresses.find(work.read, link.address_id)
    if before is not None and must_sign_in_elsewhere(work, before.normal):
        return False
    if change is None or before is None or not links.spend(work.db, link.id, now=work.now):
        return False
    if not replace(work, before, address=change.address, normal=change.normal):
        return False
    record(work, Event.EMAIL_CHANGED, user_id=link.user_id, by="user")
    if before.verified_at is None:
        record(work, Event.EMAIL_VERIFIED, user_id=link.user_id, by="letter")
        return True
    way_back = issue_link(work, purpose=Purpose.UNDO, address=before)
    email_changes.add(work.db, EmailChange(way_back.id, before.address, before.normal))
    messages.email_changed(work, to=before.address, token=way_back.token)
    return True


def correct(work: UnitOfWork, before: EmailAddress, *, address: Address) -> EmailAddress | None:
    """Replace an address that was never verified with another one, which is not verified either.

    Returns None if it was verified meanwhile.
    """
    if not email_addresses.correct(work.db, before.id, address=address.text, normal=address.normal):
        return None
    users.touch(work.db, before.user_id, now=work.now)
    search.index(work, before.user_id)
    return dataclasses.replace(before, address=address.text, normal=address.normal)


def replace(work: UnitOfWork, before: EmailAddress, *, address: str, normal: str) -> bool:
    """Replace the account's address with a verified one, and end the links sent to it.

    Returns False if the new address belongs to another user.
    """
    if not _put(work, before, address=address, normal=normal):
        return False
    end_access(work, user_id=before.user_id, cause=Cause.EMAIL_CHANGED)
    users.touch(work.db, before.user_id, now=work.now)
    search.index(work, before.user_id)
    return True


def _put(work: UnitOfWork, before: EmailAddress, *, address: str, normal: str) -> bool:
    """Put a verified address in place of this one. Returns False if it belongs to another user.

    Receivers of signals hear of it while they are still known, and only if the old address was verified: one that was
    merely typed may be another person's, at the app too (RISC 1.0 section 2.5).
    """
    if not email_addresses.change(work.db, before.id, address=address, normal=normal, now=work.now):
        return False
    if before.verified_at is not None and before.address != address:
        signals.address_changed(work, before.user_id, before=before.address, after=address)
    return True
