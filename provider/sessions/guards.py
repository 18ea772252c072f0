"""Checks that pages make before they show or do anything: is a user signed in, and how recently.

A session that still needs a factor counts as signed out.
"""

from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

from provider.destination import Destination
from provider.refusals import RedirectRequired
from provider.sessions.active import ActiveSession
from provider.sessions.assurance import AAL2, is_at_least, level_of
from provider.sessions.cookie import find_others, find_session, may_have_others
from provider.sessions.store import Session
from provider.web.call import Call

CHOOSER = "/select-account"


class SignInRequired(RedirectRequired):
    """No user is signed in, or not recently enough (`again`). Redirects to the sign-in page."""

    code = "sign-in-required"

    def __init__(self, call: Call, *, again: bool = False, back: str | None = None) -> None:
        parameters = {"return_to": _back_to(call, back)}
        if again:
            parameters["prompt"] = "login"
        super().__init__(f"/login?{urlencode(parameters)}")


class StepUpRequired(RedirectRequired):
    """The user is signed in with fewer factors than this page needs. Redirects to the second-factor page."""

    code = "step-up-required"

    def __init__(self, call: Call, *, back: str | None = None, level: str = AAL2) -> None:
        parameters = {**step_up_parameters(level), "return_to": _back_to(call, back)}
        super().__init__(f"/login/second-factor?{urlencode(parameters)}")


def require_user(call: Call, *, back: str | None = None) -> ActiveSession:
    """Return this browser's session. Raises SignInRequired.

    `back` is the page to return to if it is not this one: after a POST, the page with the form. In a browser with
    several accounts, the menu of the page names this one.
    """
    session = find_session(call)
    if session is None:
        raise SignInRequired(call, back=back)
    if may_have_others(call):
        call.page_values["current_address"] = partial(call.services.address_of, call.work, session.user_id)
    return session


def is_recent(call: Call, session: Session) -> bool:
    age: timedelta = call.work.now - session.auth_time
    return age <= call.settings.recent_sign_in


def require_recent(call: Call, *, back: str | None = None) -> Session:
    """Return a session whose user signed in within SIGNET_RECENT_SIGN_IN. Raises SignInRequired."""
    session = require_user(call, back=back)
    if not is_recent(call, session):
        raise SignInRequired(call, again=True, back=back)
    return session


def require_second_factor(call: Call, *, back: str | None = None) -> Session:
    """Return a recent session with two factors. Raises SignInRequired or StepUpRequired."""
    return require_level(call, AAL2, back=back)


def require_level(call: Call, level: str, *, back: str | None = None) -> Session:
    """Return a recent session with at least this level. Raises SignInRequired or StepUpRequired."""
    session = require_recent(call, back=back)
    if not is_at_least(level_of(session.amr), level):
        raise StepUpRequired(call, back=back, level=level)
    return session


def page_to_switch(call: Call, where: Destination) -> str:
    """Return the page for a user who wants to go on with another account than the current one."""
    if find_others(call):
        return where.through(CHOOSER)
    return where.through("/login", prompt="select_account")


def step_up_parameters(level: str) -> dict[str, str]:
    """Return what the second-factor page has to know to ask for this level. It asks for any factor by default."""
    return {} if level == AAL2 else {"acr": level}


def _back_to(call: Call, back: str | None) -> str:
    query = call.scope["query_string"].decode("ascii", "replace")
    return (back or call.path) + (f"?{query}" if query else "")
