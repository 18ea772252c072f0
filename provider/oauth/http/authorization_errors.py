"""Errors of authorization requests: shown on a page, or sent to the app (RFC 6749 section 4.1.2.1)."""

from functools import partial

from starlette.responses import Response

from provider.languages.text import Text
from provider.oauth.authorize.parked_requests import app_to_start_again
from provider.oauth.authorize.request import Target
from provider.oauth.authorize.store import authorization_requests
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.clients.start_urls import start_url
from provider.oauth.errors import AccessDeniedError, OAuth2Error
from provider.oauth.explanations import explain
from provider.oauth.http.authorization_response import error_response
from provider.oauth.http.server import server_of
from provider.refusals import Refusal
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


def decline(call: Call, parked: ParkedRequest, target: Target) -> Response:
    """Complete the request and send the app access_denied (RFC 6749 section 4.1.2.1).

    A request has one answer: if it was completed meanwhile, a page says so.
    """
    if not authorization_requests.complete(call.work.db, parked.digest, now=call.work.now):
        return request_gone(call, parked.client_id)
    return error_response(call, target, AccessDeniedError(description="The user declined access"))


def refuse_on_page(call: Call, error: OAuth2Error) -> Response:
    """Show the error to the user, because there is no verified address of the app to send it to."""
    call.work.after_commit.append(partial(explain, call.installation, call.origin, error))
    details = [
        ("Error", error.error),
        ("Reason", error.description or ""),
        ("Explained by", f"signet explain {call.request_id}"),
    ]
    return errors.error_page(call, AppRefused(), details=details)
