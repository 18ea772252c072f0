"""Signing out by the user's own button."""

from starlette.responses import Response

from provider.accounts.signed_in_accounts import describe_accounts
from provider.destination import HOME
from provider.sessions.cookie import (
    find_here,
    find_others,
    find_pending_session,
    find_session,
    forget_ended,
    forget_session,
)
from provider.sessions.lifecycle import end_session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint(form_on=HOME, before_sign_in=True)
def sign_out(call: Call) -> Response:
    """End the session of the current account and delete its cookie: POST /sign-out. With `which=all`, end those of the
    other accounts in this browser too.

    Only POST is accepted, so that a link on another site cannot sign a user out.
    """
    is_all = call.form.get("which") == "all"
    current = find_session(call) or find_pending_session(call)
    ending = find_here(call) if is_all else [] if current is None else [current]
    for session in ending:
        end_session(call.work, session, reason="signed_out")
    forget_session(call)
    forget_ended(call, ending)
    return go(call.services.page_after_sign_out(call.work, ended=ending))


@endpoint
def signed_out(call: Call) -> Response:
    current = find_session(call)
    others = describe_accounts(call.work, find_others(call), current=current)
    return page(call, "login/signed_out.html", still_in=current is not None, others=others)
