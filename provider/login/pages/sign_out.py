"""Signing out by the user's own button."""

from starlette.responses import Response

from provider.destination import HOME
from provider.sessions.cookie import find_pending_session, find_session, forget_session
from provider.sessions.lifecycle import end_session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint(form_on=HOME, before_sign_in=True)
def sign_out(call: Call) -> Response:
    """End the session and delete its cookie: POST /sign-out.

    Only POST is accepted, so that a link on another site cannot sign a user out.
    """
    session = find_session(call) or find_pending_session(call)
    forget_session(call)
    if session is None:
        return go("/signed-out")
    end_session(call.work, session, reason="signed_out")
    return go(call.services.page_after_sign_out(call.work, user_id=session.user_id, session_id=session.id))


@endpoint
def signed_out(call: Call) -> Response:
    return page(call, "login/signed_out.html", still_in=find_session(call) is not None)
