"""`session_state`: the value that an app compares with the session in the browser (OpenID Connect Session Management
1.0 section 3).

Our page at check_session_iframe computes the same hash in the browser (templates/static/check_session.js).
"""

from hashlib import sha256

from provider.crypto.digests import new_handle
from provider.sessions import browser_state
from provider.sessions.cookie import find_session, find_signed_in
from provider.sessions.store import Session
from provider.urls import web_origin_of
from provider.web.call import Call


def session_state(client_id: str, origin: str, state: str, salt: str) -> str:
    return f"{sha256(f'{client_id} {origin} {state} {salt}'.encode()).hexdigest()}.{salt}"


def session_state_for(call: Call, *, client_id: str, redirect_uri: str, session: Session | None = None) -> str | None:
    """Return the session_state for a response to this address, or None.

    It is that of the `session` in which the request is granted, else of the current account's.

    It is None if no user is signed in, if no page there could frame ours, or if SIGNET_SESSION_MANAGEMENT is off.
    """
    if not call.settings.session_management:
        return None
    session, origin = session or find_session(call), web_origin_of(redirect_uri)
    browser_state.follow(call, find_signed_in(call))
    if session is None or origin is None:
        return None
    return session_state(client_id, origin, browser_state.state_of(call, session), new_handle())
