"""Where a person is signed in, and signing out there."""

from collections.abc import Set as AbstractSet

from provider.accounts.access import Cause, end_access
from provider.audit.events import Event
from provider.audit.log import record
from provider.sessions import store
from provider.sessions.lifecycle import end_session
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


def sign_out_others(work: UnitOfWork, *, user_id: str, but: AbstractSet[str]) -> None:
    """End every session of the user except those in `but`. Applications keep what they have with offline_access."""
    end_access(work, user_id=user_id, cause=Cause.SIGNED_OUT_OTHERS, but=but)


def sign_out_everywhere(work: UnitOfWork, session: Session) -> None:
    """End every session of the user, this one too, and the access of every application."""
    _end_everywhere(work, session.user_id, Cause.SIGNED_OUT_EVERYWHERE)


def sign_out_everywhere_by_operator(work: UnitOfWork, *, user_id: str) -> int:
    """Do the same for an operator, at the console, by admin API or by command. Returns how many sessions ended."""
    return _end_everywhere(work, user_id, Cause.SIGNED_OUT_BY_OPERATOR)


def _end_everywhere(work: UnitOfWork, user_id: str, cause: Cause) -> int:
    """The audit log has it also when there was no session, for the access of applications ended."""
    count = end_access(work, user_id=user_id, cause=cause)
    if count == 0:
        record(work, Event.SESSIONS_ENDED, user_id=user_id, reason=cause.reason, count=0)
    return count
