"""The session cookie. Only this file reads or writes it."""

from datetime import timedelta

from provider.crypto.digests import digest
from provider.observability import counters
from provider.sessions import browser_state, store
from provider.sessions.store import Session
from provider.web import cookies
from provider.web.call import Call
from provider.web.call_values import CallValue
from provider.work import UnitOfWork

TOUCH_EVERY = timedelta(minutes=1)
SESSION = CallValue[Session | None]("session")
"""The session of the call's cookie; None when there is none that is active."""


def find_session(call: Call) -> Session | None:
    """Return this browser's active session, or None if it is missing or needs another factor."""
    session = _any_session(call)
    return None if session is None or session.pending is not None else session


def find_pending_session(call: Call) -> Session | None:
    """Return a sign-in that still needs its second factor and has not expired, or None."""
    session = _any_session(call)
    if session is None or session.pending is None or session.pending_until is None:
        return None
    return session if session.pending_until > call.work.now else None


def keep_session(call: Call, value: str) -> None:
    """Set this session's cookie in the browser."""
    call.set_cookie(cookies.SESSION, value)
    SESSION.drop(call)
    if call.settings.session_management:
        browser_state.follow(call, _any_session(call))


def forget_session(call: Call) -> None:
    call.set_cookie(cookies.SESSION, "", max_age=0)
    SESSION.drop(call)
    browser_state.follow(call, None)


def _any_session(call: Call) -> Session | None:
    if not SESSION.is_on(call):
        value = call.cookie(cookies.SESSION)
        SESSION.put(call, None if value is None else _find_active(call.work, value))
    return SESSION.of(call)


def _find_active(work: UnitOfWork, value: str) -> Session | None:
    idle_since = work.now - work.settings.session_idle_lifetime
    session = store.find_active(work.read, digest(value), now=work.now, idle_since=idle_since)
    if session is not None and session.last_seen <= work.now - TOUCH_EVERY and not work.writing:
        with work.aside() as db:
            store.touch(db, session.id, now=work.now)
        if session.pending is None:
            counters.mark_active(session.user_id)
    return session
