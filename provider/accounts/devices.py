"""The devices where a user is signed in, and signing out of them."""

from collections.abc import Set as AbstractSet

from provider.accounts.access import Cause, end_access
from provider.audit.events import Event
from provider.audit.log import record
from provider.sessions import store
from provider.sessions.idle import idle_since
from provider.sessions.lifecycle import end_session
from provider.sessions.store import Session
from provider.work import UnitOfWork


def find_sessions(work: UnitOfWork, user_id: str) -> list[Session]:
    """Return the user's active sessions, the most recently used first."""
    return store.find_live(work.read, user_id, now=work.now, idle_since=idle_since(work))


def sign_out_one(work: UnitOfWork, session: Session, *, session_id: str) -> bool:
    """End another session of the same user. Returns False if the session is not theirs or is no longer active."""
    other = next((one for one in find_sessions(work, session.user_id) if one.id == session_id), None)
    if other is None:
        return False
    end_session(work, other, reason="signed_out_elsewhere")
    return True


def sign_out_others(work: UnitOfWork, *, user_id: str, but: AbstractSet[str]) -> None:
    """End every session of the user except those in `but`. Applications keep their tokens with offline_access."""
    end_access(work, user_id=user_id, cause=Cause.SIGNED_OUT_OTHERS, but=but)


def sign_out_everywhere(work: UnitOfWork, session: Session) -> None:
    """End every session of the user, including this one, and the access of every application."""
    _end_everywhere(work, session.user_id, Cause.SIGNED_OUT_EVERYWHERE)


def sign_out_everywhere_by_operator(work: UnitOfWork, *, user_id: str) -> int:
    """End every session of the user and the access of every application, on behalf of an operator.

    Called by the console, the admin API and the command line. Returns how many sessions ended.
    """
    return _end_everywhere(work, user_id, Cause.SIGNED_OUT_BY_OPERATOR)


def _end_everywhere(work: UnitOfWork, user_id: str, cause: Cause) -> int:
    """End all access for this cause.

    An audit event is recorded even if no session ended, since applications lost access.
    """
    count = end_access(work, user_id=user_id, cause=cause)
    if count == 0:
        record(work, Event.SESSIONS_ENDED, user_id=user_id, reason=cause.reason, count=0)
    return count
