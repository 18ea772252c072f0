"""What lets a page of ours in an application's frame see that the session changed (OpenID Connect Session Management
1.0 section 3.2): a cookie its script may read, in other sites' pages too. It tells sessions apart and opens none.
"""

import base64

from provider.sessions.store import Session
from provider.web import cookies
from provider.web.call import Call


def state_of(call: Call, session: Session) -> str:
    """The same for as long as the session lasts, whatever its cookie's value; no other session has it."""
    raw = call.installation.vault.keyed_digest(session.id, purpose="browser-state")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def follow(call: Call, session: Session | None) -> None:
    """Let the cookie say who is here now; nothing where SIGNET_SESSION_MANAGEMENT is off."""
    if not call.settings.session_management:
        return
    state = None if session is None or session.pending is not None else state_of(call, session)
    if state is None and cookies.cookie_name(call.settings, cookies.STATE) in call.cookies:
        call.set_cookie(cookies.STATE, "", max_age=0)
    elif state is not None and call.cookie(cookies.STATE) != state:
        call.set_cookie(cookies.STATE, state)
