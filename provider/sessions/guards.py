"""What a page asks before it shows or does anything: who is here, and how recently they proved it.

A session still short of a factor counts as signed out.
"""

from datetime import timedelta
from urllib.parse import urlencode

from provider.refusals import GoElsewhere
from provider.sessions.cookie import find_session
from provider.sessions.store import Session
from provider.web.endpoint import Call


class SignInRequired(GoElsewhere):
    """Nobody is signed in at this browser, or not recently enough (`again`): the way on is the sign-in page."""

    def __init__(self, call: Call, *, again: bool = False) -> None:
        # After a POST the person comes back to the page the form was on.
        parameters = {"return_to": call.path}
        if again:
            parameters["prompt"] = "login"
        super().__init__(f"/login?{urlencode(parameters)}")


def require_user(call: Call) -> Session:
    """The session at this browser. Raises SignInRequired."""
    session = find_session(call)
    if session is None:
        raise SignInRequired(call)
    return session


def is_recent(call: Call, session: Session) -> bool:
    age: timedelta = call.work.now - session.auth_time
    return age <= call.settings.recent_sign_in


def require_recent(call: Call) -> Session:
    """A session whose person proved who they are within SIGNET_RECENT_SIGN_IN. Raises SignInRequired."""
    session = require_user(call)
    if not is_recent(call, session):
        raise SignInRequired(call, again=True)
    return session
