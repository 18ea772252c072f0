"""Opening, renewing and ending sessions. The identifier changes with every change of level.

An ended session never becomes active again. Sessions end only here, whatever the reason, so that every application that
must be notified is (`listeners`).
"""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_opaque
from provider.database.base import new_id
from provider.sessions import listeners, store
from provider.sessions.assurance import add_factor
from provider.sessions.store import Session
from provider.work import UnitOfWork


def open_session(
    work: UnitOfWork,
    *,
    user_id: str,
    security_stamp: datetime,
    factor: str,
    pending: str | None = None,
    auth_time: datetime | None = None,
    proven_earlier: bool = False,
    keep: bool = False,
) -> str:
    """Open a session after `factor` was shown; return its cookie's value, which is not stored.

    `security_stamp` is the user's from before the factor was checked. `auth_time` is when the factor was shown, if not
    now; `proven_earlier` if that was a sign-in elsewhere, before we asked for one. With `pending` (the factor still
    due), the session can be used only to show that factor. With `keep`, the user chose to stay signed in
    after closing the browser.
    """
    value = new_opaque()
    settings = work.settings
    kept = keep and settings.keep_signed_in_days > 0
    session = Session(
        id=new_id(),
        digest=digest(value),
        user_id=user_id,
        created_at=work.now,
        auth_time=auth_time or work.now,
        amr=factor,
        pending=pending,
        pending_until=None if pending is None else work.now + settings.second_factor_lifetime,
        last_seen=work.now,
        expires_at=work.now + _lifetime(work, kept=kept),
        network=work.origin.network,
        user_agent=work.origin.user_agent,
        ended_at=None,
        end_reason=None,
        security_stamp=security_stamp,
        proven_earlier=proven_earlier,
        kept=kept,
    )
    store.add(work.db, session)
    return value


def sign_in_again(
    work: UnitOfWork,
    session: Session,
    *,
    factor: str,
    pending: str | None = None,
    auth_time: datetime | None = None,
    proven_earlier: bool = False,
    security_stamp: datetime | None = None,
    keep: bool | None = None,
) -> str | None:
    """Sign the same user in again, under a new identifier and with a new time of sign-in and new factors.

    The `sid` stays, and with it what applications got in the session. `security_stamp` is the user's from before the
    factor was checked; without it the session keeps its own. `keep` is the user's new answer as of `open_session`;
    without it the one before counts. Returns the cookie's value, or None if the session ended meanwhile.
    """
    value = new_opaque()
    settings = work.settings
    kept = (session.kept if keep is None else keep) and settings.keep_signed_in_days > 0
    again = replace(
        session,
        digest=digest(value),
        auth_time=auth_time or work.now,
        amr=factor,
        pending=pending,
        pending_until=None if pending is None else work.now + settings.second_factor_lifetime,
        last_seen=work.now,
        expires_at=work.now + _lifetime(work, kept=kept),
        network=work.origin.network,
        user_agent=work.origin.user_agent,
        security_stamp=security_stamp or session.security_stamp,
        proven_earlier=proven_earlier,
        kept=kept,
    )
    return value if store.restart(work.db, again, old_digest=session.digest) else None


def _lifetime(work: UnitOfWork, *, kept: bool) -> timedelta:
    settings = work.settings
    return timedelta(days=settings.keep_signed_in_days) if kept else settings.session_absolute_lifetime


def raise_level(work: UnitOfWork, session: Session, *, factor: str) -> str | None:
    """Add a factor to the session under a new identifier; return the new cookie value.

    Returns None if the session was renewed or ended meanwhile.
    """
    value = new_opaque()
    renewed = store.renew(
        work.db,
        session.id,
        old_digest=session.digest,
        new_digest=digest(value),
        auth_time=work.now,
        amr=add_factor(session.amr, factor),
        last_seen=work.now,
    )
    return value if renewed else None


def make_room(work: UnitOfWork, here: Sequence[Session], *, user_id: str) -> tuple[Session | None, tuple[Session, ...]]:
    """Make room in a browser for a sign-in of this user beside the sessions it has: `here`, the current one first.

    Returns the session that the user already has there, or None, and those of other users that stay. The last used ones
    stay, up to SIGNET_ACCOUNTS_PER_BROWSER with the new one. The others end, and so does another user's sign-in that
    still needs a factor.
    """
    own = next((session for session in here if session.user_id == user_id), None)
    others = [session for session in here if session.user_id != user_id and session.pending is None]
    beside = tuple(others[: work.settings.accounts_per_browser - 1])
    for session in here:
        if session is not own and session not in beside:
            end_session(work, session, reason="somebody_else_signed_in")
    return own, beside


def end_session(work: UnitOfWork, session: Session, *, reason: str) -> bool:
    """End the session and notify its applications. Returns False if it had already ended."""
    if not store.end(work.db, session.id, reason=reason, now=work.now):
        return False
    listeners.notify_clients(work, user_id=session.user_id, ended=[session.id])
    record(work, Event.SIGNED_OUT, user_id=session.user_id, session=session.id, reason=reason)
    return True


def shorten(work: UnitOfWork, session: Session, *, expires_at: datetime) -> bool:
    """Make the session, which is locked, expire sooner, or end it if that is now or earlier: then its applications are
    notified. Returns False if it has ended or already expires sooner.
    """
    if expires_at >= session.expires_at:
        return False
    if expires_at <= work.now:
        return end_session(work, session, reason="operator")
    if not store.shorten(work.db, session.id, expires_at=expires_at):
        return False
    record(
        work,
        Event.SESSION_SHORTENED,
        user_id=session.user_id,
        session=session.id,
        before=session.expires_at.isoformat(),
        after=expires_at.isoformat(),
    )
    return True


def end_all_sessions(work: UnitOfWork, *, user_id: str, reason: str, but: AbstractSet[str] = frozenset()) -> int:
    """End every session of a user except those in `but`; return how many ended."""
    ended = store.end_all(work.db, user_id, reason=reason, now=work.now, but=but)
    if ended:
        listeners.notify_clients(work, user_id=user_id, ended=ended)
        record(work, Event.SESSIONS_ENDED, user_id=user_id, reason=reason, count=len(ended))
    return len(ended)


def end_many(work: UnitOfWork, session_ids: list[str], *, reason: str) -> None:
    """End sessions of several users by id, and notify their applications."""
    ended = defaultdict[str, list[str]](list)
    for user_id, session_id in store.end_many(work.db, session_ids, reason=reason, now=work.now):
        ended[user_id].append(session_id)
    for user_id, theirs in ended.items():
        listeners.notify_clients(work, user_id=user_id, ended=theirs)
        record(work, Event.SESSIONS_ENDED, user_id=user_id, reason=reason, count=len(theirs))


def end_by_operator(work: UnitOfWork, *, session_id: str) -> bool:
    """End one session by its id. Returns False if there is no active session with it."""
    session = store.find(work.read, session_id)
    return session is not None and end_session(work, session, reason="operator")
