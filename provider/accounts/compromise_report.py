"""The person says: this was not me. Whoever else is in is out at once, and the password no longer works."""

from provider.accounts import known_devices, linked_identities
from provider.accounts.factors.store import totp
from provider.accounts.links import issue_link
from provider.accounts.passwords.password_reset import STANDING
from provider.accounts.store import email_addresses, links, passwords, users
from provider.accounts.store.links import Purpose
from provider.audit.events import Event
from provider.audit.log import record
from provider.mail import messages
from provider.sessions.lifecycle import end_all_sessions
from provider.work import UnitOfWork


def report(work: UnitOfWork, *, user_id: str) -> None:
    """Every session, pending sign-in, token family and link ends, and a letter leads to a new password, unless the
    account is suspended. What a second factor protects stays protected.
    """
    users.set_not_before(work.db, user_id, now=work.now)
    links.expire_all(work.db, user_id)
    totp.forget_enrolment(work.db, user_id)
    known_devices.forget_all(work, user_id=user_id)
    end_all_sessions(work, user_id=user_id, reason="intrusion_reported")
    record(work, Event.INTRUSION_REPORTED, user_id=user_id)
    address, user = email_addresses.find_of_user(work.db, user_id), users.find(work.db, user_id)
    if address is not None and work.settings.has("reset-passwords"):
        passwords.remove(work.db, user_id)
        linked_identities.unlink_all(work, user_id=user_id, reason="intrusion_reported")
        if user is None or user.status not in STANDING:
            return
        link = issue_link(work, purpose=Purpose.RESET, address=address)
        messages.account_secured(work, to=address.address, token=link.token)
