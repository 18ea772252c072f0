"""A cookie that lets our page in an application's frame detect that the session changed.

See OpenID Connect Session Management 1.0 section 3.2. The page's script can read it, also in pages of other sites. It
tells sessions apart and cannot be used to sign in.
"""

import base64

from provider.sessions.store import Session
from provider.web import cookies
from provider.web.call import Call


def state_of(call: Call, session: Session) -> str:
    """Return the browser state of the session.

    It stays the same as long as the session lasts, whatever its cookie's value, and no other session has it.
    """
    raw = call.installation.vault.keyed_digest(session.id, purpose="browser-state")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def follow(call: Call, session: Session | None) -> None:
    """Update the cookie to the current session. Does nothing if SIGNET_SESSION_MANAGEMENT is off."""
    if not call.settings.session_management:
        return
    state = None if session is None or session.pending is not None else state_of(call, session)
    if state is None and cookies.cookie_name(call.settings, cookies.STATE) in call.cookies:
        call.set_cookie(cookies.STATE, "", max_age=0)
    elif state is not None and call.cookie(cookies.STATE) != state:
        call.set_cookie(cookies.STATE, state)
