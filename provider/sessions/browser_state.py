"""A cookie that lets our page in an application's frame detect that the session changed.

See OpenID Connect Session Management 1.0 section 3.2. The page's script can read it, also in pages of other sites. It
tells sessions apart and cannot be used to sign in. It has the state of every account that is signed in in this browser,
so that an application sees a change when its own session ends, and none when the user switches accounts.
"""

import base64
from collections.abc import Sequence

from provider.sessions.store import Session
from provider.web import cookies
from provider.web.call import Call

LONGEST = 512
"""The longest value of the cookie, in characters."""


def state_of(call: Call, session: Session) -> str:
    """Return the browser state of the session.

    It stays the same as long as the session lasts, whatever its cookie's value, and no other session has it.
    """
    raw = call.installation.vault.keyed_digest(session.id, purpose="browser-state")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def follow(call: Call, signed_in: Sequence[Session]) -> None:
    """Update the cookie to the sessions of this browser. Does nothing if SIGNET_SESSION_MANAGEMENT is off."""
    if not call.settings.session_management:
        return
    state = ".".join(state_of(call, session) for session in signed_in)
    if not state and cookies.cookie_name(call.settings, cookies.STATE) in call.cookies:
        call.set_cookie(cookies.STATE, "", max_age=0)
    elif state and call.cookie(cookies.STATE, longest=LONGEST) != state:
        call.set_cookie(cookies.STATE, state)
