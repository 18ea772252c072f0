"""One-time links: created for one purpose, one user and one address, found by digest, used once."""

from dataclasses import dataclass
from datetime import datetime

from provider.accounts.store import links
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Link, LinkStatus, Purpose
from provider.crypto.digests import digest, new_number_code, new_opaque, same
from provider.database.base import new_id
from provider.outbox import store as outbox
from provider.ratelimits import LIMITS, fail, of_network
from provider.typed_codes import DIGITS
from provider.work import UnitOfWork

CODE = "one-time-code"


@dataclass(frozen=True)
class NewLink:
    """A one-time link that was just created. `token` and `code` are given to the user and stored nowhere."""

    id: str
    token: str
    code: str
    expires_at: datetime


def issue_link(
    work: UnitOfWork,
    *,
    purpose: Purpose,
    address: EmailAddress,
    browser: str | None = None,
    password_at: datetime | None = None,
) -> NewLink:
    """Create a one-time link; earlier links for this purpose can no longer be used, except for UNDO and SIGN_IN.

    `browser` is the cookie of the browser that requested it after the right password, or with a ticket. In that browser
    the link works without the password. `password_at` is when the password was typed in that browser, if it was.
    """
    token, code = new_opaque(), new_number_code()
    settings = work.settings
    lifetime = {
        Purpose.VERIFY: settings.verify_link_lifetime,
        Purpose.RESET: settings.reset_link_lifetime,
        Purpose.INVITE: settings.invite_link_lifetime,
        Purpose.CHANGE: settings.verify_link_lifetime,
        Purpose.SIGN_IN: settings.verify_code_lifetime,
        Purpose.UNDO: settings.undo_link_lifetime,
    }[purpose]
    by_code = purpose in {Purpose.VERIFY, Purpose.CHANGE, Purpose.SIGN_IN}
    link = Link(
        id=new_id(),
        digest=digest(token),
        purpose=purpose,
        user_id=address.user_id,
        address_id=address.id,
        medium="email",
        browser_digest=None if browser is None else digest(browser),
        password_at=None if browser is None else password_at,
        code_digest=work.vault.keyed_digest(f"{address.id}:{code}", purpose=CODE) if by_code else None,
        code_expires_at=work.now + settings.verify_code_lifetime if by_code else None,
        status=LinkStatus.ACTIVE,
        created_at=links.next_created_at(work.db, address.user_id, now=work.now),
        expires_at=work.now + lifetime,
        claimed_at=None,
    )
    # An earlier UNDO leads further back, and anyone may ask for a code to sign in, in a browser of their own.
    if purpose not in {Purpose.UNDO, Purpose.SIGN_IN}:
        links.expire_all(work.db, address.user_id, purpose)
    links.add(work.db, link)
    return NewLink(link.id, token, code, link.expires_at)


def find_link(work: UnitOfWork, token: str | None, *purposes: Purpose) -> Link | None:
    """Return the link with this token and one of these purposes, whatever its status.

    Consumes nothing: mail scanners open links. Raises TooManyRequests for an unknown token, if many came from its
    network.
    """
    found = None if not token else links.find(work.read, digest(token), *purposes)
    if token and found is None:
        fail(work, LIMITS.guess, key=of_network(work, "link"))
    return found


def find_link_by_code(work: UnitOfWork, *, address_id: str, typed: str, purpose: Purpose) -> Link | None:
    """Return the open link whose code was typed, or None."""
    code = DIGITS.read(typed)
    if code is None:
        return None
    digests = work.vault.keyed_digests(f"{address_id}:{code}", purpose=CODE)
    return links.find_by_code(work.read, address_id, digests, purpose, now=work.now)


def is_code_of(work: UnitOfWork, link: Link, typed: str) -> bool:
    """Return whether the code of this link was typed, and has not expired."""
    code = DIGITS.read(typed)
    if code is None or link.code_digest is None or link.code_expires_at is None or link.code_expires_at <= work.now:
        return False
    digests = work.vault.keyed_digests(f"{link.address_id}:{code}", purpose=CODE)
    return any(same(link.code_digest, one) for one in digests)


def is_of_browser(link: Link, browser: str | None) -> bool:
    """Return whether the link belongs to the browser with this cookie."""
    return browser is not None and link.browser_digest is not None and same(link.browser_digest, digest(browser))


def has_failed(work: UnitOfWork, *, user_id: str, purpose: Purpose) -> bool:
    """Return whether the email with the user's latest link for this purpose could not be delivered."""
    message_id = links.find_message(work.read, user_id, purpose)
    message = None if message_id is None else outbox.find_one(work.read, message_id)
    return message is not None and message.state == outbox.DeliveryState.FAILED
