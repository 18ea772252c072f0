"""Where a person is signed in, and signing out there."""

from provider.accounts import known_devices
from provider.accounts.store import users
from provider.audit.events import Event
from provider.audit.log import record
from provider.sessions import store
from provider.sessions.lifecycle import end_all_sessions, end_session
from provider.sessions.store import Session
from provider.work import UnitOfWork


def find_sessions(work: UnitOfWork, user_id: str) -> list[Session]:
    """Sessions that still count, the latest used first."""
    idle_since = work.now - work.settings.session_idle_lifetime
    return store.find_live(work.read, user_id, now=work.now, idle_since=idle_since)


def sign_out_one(work: UnitOfWork, session: Session, *, session_id: str) -> bool:
    """End another session of the same user. False when it is not one of theirs, or over."""
    other = next((one for one in find_sessions(work, session.user_id) if one.id == session_id), None)
    if other is None:
        return False
    end_session(work, other, reason="signed_out_elsewhere")
    return True


def sign_out_others(work: UnitOfWork, session: Session) -> None:
    end_all_sessions(work, user_id=session.user_id, reason="signed_out_elsewhere", but=session.id)


def sign_out_everywhere(work: UnitOfWork, session: Session) -> None:
    """Here too, and in every application: nothing signed in or granted before now counts any more."""
    users.set_not_before(work.db, session.user_id, now=work.now)
    known_devices.forget_all(work, user_id=session.user_id)
    if end_all_sessions(work, user_id=session.user_id, reason="signed_out_everywhere") == 0:
        record(work, Event.SESSIONS_ENDED, user_id=session.user_id, reason="signed_out_everywhere", count=0)
