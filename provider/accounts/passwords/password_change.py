"""Changing the password while signed in: it needs the current one and ends every other session."""

from provider.accounts.access import Cause, end_access
from provider.accounts.factors.live_session import SessionEnded, require_live
from provider.accounts.notices import notify
from provider.accounts.passwords import passwords as rules
from provider.accounts.passwords.directories import find_directory_user
from provider.accounts.passwords.password_reset import InvalidPassword
from provider.accounts.reauthentication import require_password
from provider.accounts.store import email_addresses, passwords, users
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.passwords import hash_password
from provider.mail import messages
from provider.sessions.assurance import PASSWORD
from provider.sessions.lifecycle import sign_in_again
from provider.sessions.store import Session
from provider.work import UnitOfWork


def change_password(
    work: UnitOfWork, session: Session, *, current: str, password: str, device: str | None = None
) -> str:
    """Set a new password; return the new cookie value of this session.

    The password of a directory's user is changed there (RFC 3062).

    Every other session, pending sign-in, token family and link ends. A pending change of address, which an attacker may
    have requested, ends too. `device` is as in `require_password`.

    Raises WrongCurrentPassword, InvalidPassword, SessionEnded, TooManyRequests or Unavailable.
    """
    require_password(work, session.user_id, current, device=device)
    problem = rules.problem_of(work.settings, password, about=known_about(work, session.user_id))
    if problem is not None:
        raise InvalidPassword(problem)
    theirs = find_directory_user(work, session.user_id)
    hashed = None
    if theirs is None or theirs.subject is None:
        hashed = hash_password(password, cost=work.settings.bcrypt_cost)
    else:
        # Nothing is written yet. If this request fails afterwards, the new password counts all the same.
        theirs.directory.change_password(work, theirs.subject, current=current, password=password)
    # Before access ends: what was signed in before now ends, and this session counts from now on, with its factors.
    require_live(work, session)
    # Only the password was typed now. Other factors were shown when the user signed in, and apps ask when that was.
    is_sign_in = session.amr == PASSWORD
    value = sign_in_again(
        work,
        session,
        factor=session.amr,
        auth_time=None if is_sign_in else session.auth_time,
        proven_earlier=session.proven_earlier and not is_sign_in,
    )
    if value is None:
        raise SessionEnded
    if hashed is not None:
        passwords.replace(work.db, session.user_id, hashed, now=work.now)
    end_access(work, user_id=session.user_id, cause=Cause.PASSWORD_CHANGED, but={session.id})
    record(work, Event.PASSWORD_CHANGED, user_id=session.user_id)
    notify(work, session.user_id, messages.password_changed)
    return value


def known_about(work: UnitOfWork, user_id: str) -> tuple[str, ...]:
    """Return the user's address and names, which an attacker would try first."""
    user, address = users.find(work.read, user_id), email_addresses.find_of_user(work.read, user_id)
    return rules.about_person({} if user is None else user.claims, "" if address is None else address.normal)
