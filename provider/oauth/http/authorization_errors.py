"""Errors of authorization requests: shown on a page, or sent to the app (RFC 6749 section 4.1.2.1)."""

from functools import partial

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission, permissions_of
from provider.accounts.store import users
from provider.languages.text import Text
from provider.oauth.authorize.parked_requests import app_to_start_again
from provider.oauth.authorize.request import Target
from provider.oauth.authorize.store import authorization_requests
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.clients.start_urls import start_url
from provider.oauth.errors import AccessDeniedError, OAuth2Error
from provider.oauth.explanations import explain
from provider.oauth.http.authorization_response import answer
from provider.oauth.http.server import server_of
from provider.refusals import Refusal, Unavailable
from provider.sessions.assurance import has_two_factors
from provider.sessions.cookie import find_session
from provider.web import errors
from provider.web.call import Call
from provider.web.pages import page


class AppRefused(Refusal):
    """An error that cannot be sent to the app. The user sees a page without a link to an unverified address."""

    code = "app-refused"
    title = Text("Something is wrong with the app that sent you here")
    message = Text(
        "We can't safely send you back to it. Return to the app and try again, or give its support team the error ID."
    )

    def __init__(self, app: str | None = None) -> None:
        """`app` is the name of the app, if an operator registered it."""
        super().__init__()
        if app is not None:
            self.title = Text("Something is wrong with %(name)s", name=app)


class RequestGone(Refusal):
    code = "request-gone"
    title = Text("This sign-in has expired")
    message = Text(
        "It was already completed, or it timed out. Go back to the app and start again. You may already be signed in."
    )


def request_gone(call: Call, client_id: str | None, *, status_code: int = RequestGone.status_code) -> Response:
    """Return the page for a request that was finished or has expired. It names the app and leads to where it starts.

    Raises RequestGone if the client is unknown or disabled.
    """
    server = server_of(call)
    client = None if client_id is None else server.clients.find(call.work, client_id)
    if client is None or client.disabled:
        raise RequestGone
    return page(
        call,
        "oauth/request_gone.html",
        status_code=status_code,
        title=RequestGone.title,
        app=app_to_start_again(server, client),
        start_url=start_url(client, issuer=server.issuer),
        is_signed_in=find_session(call) is not None,
        error_id=call.request_id,
    )


def decline(call: Call, parked: ParkedRequest, target: Target, error: OAuth2Error | None = None) -> Response:
    """Complete the request and send the app access_denied (RFC 6749 section 4.1.2.1), with the reason in `error`.

    A request has one answer: if it was completed meanwhile, a page says so.
    """
    if not authorization_requests.complete(call.work.db, parked.digest, now=call.work.now):
        return request_gone(call, parked.client_id)
    return error_response(call, target, error or AccessDeniedError(description="The user declined access"))


def error_response(call: Call, target: Target, error: OAuth2Error) -> Response:
    """Send an error to the app, and record why. The description ends in the id for `signet explain`.

    See RFC 6749 section 4.1.2.1. If the response must be encrypted and cannot be, a page says so.
    """
    known_as = f"error ID {call.request_id}"
    description = f"{error.description} ({known_as})" if error.description else known_as
    try:
        response = answer(call, target, {"error": error.error, "error_description": description})
    except OAuth2Error as unsendable:
        return refuse_on_page(call, unsendable)
    call.work.after_commit.append(partial(explain, call.installation, call.origin, error))
    return response


def refuse_on_page(call: Call, error: OAuth2Error, *, way_on: str | None = None) -> Response:
    """Show the error to the user, because there is no verified address of the app to send it to.

    The page names an app that an operator registered, and leads to where it starts. Developers see what was sent; on a
    loopback issuer, and as a signed-in operator, also each check. `way_on` is a path of ours.
    """
    call.work.after_commit.append(partial(explain, call.installation, call.origin, error))
    checks: Checks | None = getattr(error, "checks", None)
    client = _named_client(call, checks)
    details = [(Text("Error"), error.error), (Text("Reason"), error.description or "")]
    failed = checks.done[-1] if checks is not None and checks.done else None
    if failed is not None and failed.got:
        details.append((Text("Received"), failed.got))
    if checks is not None:
        details.append((Text("On the server"), f"signet explain {call.request_id}"))
    refusal = AppRefused(None if client is None else client.name)
    if error.status_code == Unavailable.status_code:
        refusal.status_code = error.status_code
    return errors.error_page(
        call,
        refusal,
        way_on=way_on,
        app_url=None if client is None else start_url(client, issuer=server_of(call).issuer),
        app_name="" if client is None else client.name,
        details=details,
        explanation=checks.done if checks is not None and _may_see_checks(call) else [],
        is_explained=checks is not None,
    )


def _named_client(call: Call, checks: Checks | None) -> Client | None:
    """Return the client of the request if the page may name it: an app that registered itself chose its own name."""
    if checks is None or checks.client_id is None:
        return None
    client = server_of(call).clients.find(call.work, checks.client_id)
    return None if client is None or client.disabled or not client.is_vouched_for else client


def _may_see_checks(call: Call) -> bool:
    """Return whether the page may say what was expected, which can be anything that is registered for the client."""
    if call.settings.loopback:
        return True
    session = find_session(call)
    if session is None or not has_two_factors(session.amr):
        return False
    user = users.find(call.work.read, session.user_id)
    return user is not None and Permission.REQUESTS_READ in permissions_of(user.effective_roles)
