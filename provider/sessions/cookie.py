"""The cookies with the sessions of a browser: one of the current account, and one of all others. Only this file reads
or writes them.

Each session has a secret of its own, so a browser has no session that it did not sign in to. To switch accounts is to
exchange the secrets of the two cookies.

Both end when the browser is closed. A third cookie outlives that. It repeats the secrets of the sessions whose users
chose to stay signed in, and of no others. A browser that was closed gets the first two from it.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

from provider.crypto.digests import digest
from provider.observability import counters
from provider.sessions import browser_state, store
from provider.sessions.active import ActiveSession, find_active, find_all_active
from provider.sessions.idle import idle_since
from provider.sessions.store import Session
from provider.web import cookies
from provider.web.call import Call
from provider.web.call_values import CallValue
from provider.work import UnitOfWork

TOUCH_EVERY = timedelta(minutes=1)
SESSION = CallValue[ActiveSession | None]("session")
"""The session of the call's cookie; None when there is none that is active."""
OTHERS = CallValue[dict[str, ActiveSession]]("other-sessions")
"""The active sessions of other accounts, by their secret, the last used first."""
RESTORED = CallValue[bool]("restored-sessions")
"""Set once the cookies of this call are not to be restored (again)."""
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
LONGEST = 512
"""The longest value of a cookie with several sessions, in characters: more than the most accounts need."""


def find_session(call: Call) -> ActiveSession | None:
    """Return the session of this browser's current account, or None if it is missing or needs another factor."""
    session = _any_session(call)
    return None if session is None or session.pending is not None else session


def find_pending_session(call: Call) -> ActiveSession | None:
    """Return a sign-in that still needs its second factor and has not expired, or None."""
    session = _any_session(call)
    if session is None or session.pending is None or session.pending_until is None:
        return None
    return session if session.pending_until > call.work.now else None


def find_others(call: Call) -> list[ActiveSession]:
    """Return the active sessions of the other accounts in this browser, the last used first.

    Asks the database only if the browser has the cookie of other accounts. Call `find_session` before: in a browser
    that was closed, it restores that cookie.
    """
    if cookies.cookie_name(call.settings, cookies.ACCOUNTS) not in call.cookies:
        return []
    return list(_others(call).values())


def may_have_others(call: Call) -> bool:
    """Return whether the browser has the cookie of other accounts. Asks no database."""
    return cookies.cookie_name(call.settings, cookies.ACCOUNTS) in call.cookies


def find_signed_in(call: Call) -> list[ActiveSession]:
    """Return the session of each account that is signed in in this browser, the current one first."""
    current = find_session(call)
    return [*([] if current is None else [current]), *find_others(call)]


def find_here(call: Call) -> list[ActiveSession]:
    """Return what `find_signed_in` does, with a sign-in that still needs its second factor in front."""
    pending = find_pending_session(call)
    return [*([] if pending is None else [pending]), *find_signed_in(call)]


def keep_session(call: Call, value: str) -> None:
    """Set the cookie of the current account, whose session has a new secret."""
    _write(call, value, list(_others(call)))


def keep_sign_in(call: Call, value: str, *, beside: Sequence[Session]) -> None:
    """Set the cookies after a sign-in: this session's is current, and those `beside` it are of other accounts."""
    secrets = _secrets(call)
    _write(call, value, [secrets[session.id] for session in beside if session.id in secrets])


def switch_session(call: Call, session: Session) -> None:
    """Make this one of the browser's sessions the current one. The one before is now the first of the others."""
    if find_session(call) == session:
        return
    others = [one for one in find_signed_in(call) if one.id != session.id]
    keep_sign_in(call, _secrets(call)[session.id], beside=others)
    _touch(call.work, session)


def forget_session(call: Call) -> None:
    """Delete the cookie of the current account. The browser has no current account until the user chooses one."""
    _write(call, None, list(_others(call)))


def forget_ended(call: Call, ended: Sequence[Session]) -> None:
    """Delete what the browser has of these sessions, which ended."""
    ids, current = {session.id for session in ended}, _any_session(call)
    value = None if current is None or current.id in ids else call.cookie(cookies.SESSION)
    _write(call, value, [secret for secret, session in _others(call).items() if session.id not in ids])


def _any_session(call: Call) -> ActiveSession | None:
    if not SESSION.is_on(call):
        value = call.cookie(cookies.SESSION)
        if value is None and _restore(call):
            value = call.cookie(cookies.SESSION)
        SESSION.put(call, None if value is None else _find_active(call.work, value))
    return SESSION.of(call)


def _restore(call: Call) -> bool:
    """Set the cookies of a browser that was closed from the one that outlived it; return whether it was.

    Sessions that ended are left out. A browser without a current account has the cookie of other accounts, so it was
    not closed. Only what the browser sent is looked at: a sign-out in this request deletes those cookies as well.
    """
    if not call.settings.keep_signed_in_days or RESTORED.is_on(call):
        return False
    RESTORED.put(call, True)
    names = (cookies.SESSION, cookies.ACCOUNTS, cookies.KEPT)
    session, accounts, kept = (cookies.cookie_name(call.settings, name) in call.cookies for name in names)
    if session or accounts or not kept:
        return False
    current, *others = (call.cookie(cookies.KEPT, longest=LONGEST) or "").split(".")
    if SECRET.fullmatch(current):
        call.set_cookie(cookies.SESSION, current)
    call.set_cookie(cookies.ACCOUNTS, ".".join(others) or "-")
    _write(call, current if _any_session(call) is not None else None, list(_others(call)))
    return True


def _others(call: Call) -> dict[str, ActiveSession]:
    if not OTHERS.is_on(call):
        value = call.cookie(cookies.ACCOUNTS, longest=LONGEST)
        OTHERS.put(call, {} if value is None else _find_all(call, value))
    return OTHERS.of(call)


def _secrets(call: Call) -> dict[str, str]:
    """Return the secret of each session of this browser, by the session's id."""
    secrets = {session.id: secret for secret, session in _others(call).items()}
    current, value = _any_session(call), call.cookie(cookies.SESSION)
    return secrets if current is None or value is None else {**secrets, current.id: value}


def _find_active(work: UnitOfWork, value: str) -> ActiveSession | None:
    session = find_active(work.read, digest(value), now=work.now, idle_since=idle_since(work))
    if session is not None and session.last_seen <= work.now - TOUCH_EVERY:
        _touch(work, session)
    return session


def _find_all(call: Call, value: str) -> dict[str, ActiveSession]:
    """Return the sessions of the cookie of other accounts: those that are active and need no other factor.

    What is not one of our secrets is ignored, and so is all that is beyond the most accounts of a browser.
    """
    work = call.work
    current = call.cookie(cookies.SESSION)
    secrets = [one for one in dict.fromkeys(value.split(".")) if SECRET.fullmatch(one) and one != current]
    digests = {digest(secret): secret for secret in secrets[: work.settings.accounts_per_browser - 1]}
    if not digests:
        return {}
    found = find_all_active(work.read, digests, now=work.now, idle_since=idle_since(work))
    by_digest = {session.digest: session for session in found if session.pending is None}
    return {secret: by_digest[known] for known, secret in digests.items() if known in by_digest}


def _touch(work: UnitOfWork, session: Session) -> None:
    if session.last_seen <= work.now - TOUCH_EVERY and not work.writing:
        with work.aside() as db:
            store.touch(db, session.id, now=work.now)
        if session.pending is None:
            counters.mark_active(session.user_id)


def _write(call: Call, value: str | None, others: Sequence[str]) -> None:
    """Set the cookies: the secret of the current account, if there is one, and those of the others."""
    RESTORED.put(call, True)
    for name, text in ((cookies.SESSION, value or ""), (cookies.ACCOUNTS, ".".join(others))):
        if text:
            call.set_cookie(name, text)
        elif cookies.cookie_name(call.settings, name) in call.cookies:
            call.set_cookie(name, "", max_age=0)
    SESSION.drop(call)
    OTHERS.drop(call)
    if call.settings.keep_signed_in_days or cookies.cookie_name(call.settings, cookies.KEPT) in call.cookies:
        _write_kept(call)
    if call.settings.session_management:
        browser_state.follow(call, find_signed_in(call))


def _write_kept(call: Call) -> None:
    """Set the cookie that outlives the browser, for as long as the last of its sessions can last."""
    kept = [session for session in find_signed_in(call) if session.kept and call.settings.keep_signed_in_days]
    if not kept:
        if cookies.cookie_name(call.settings, cookies.KEPT) in call.cookies:
            call.set_cookie(cookies.KEPT, "", max_age=0)
        return
    current, secrets = find_session(call), _secrets(call)
    # An empty place says that the current account ended with the browser: its user then chooses one of the others.
    texts = [*([] if current in kept else [""]), *(secrets[session.id] for session in kept)]
    lasts = max(session.expires_at for session in kept) - call.work.now
    call.set_cookie(cookies.KEPT, ".".join(texts), max_age=int(lasts.total_seconds()))
