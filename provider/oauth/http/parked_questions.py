"""A parked authorization request whose user is asked something on a page of ours."""

from dataclasses import dataclass

from starlette.responses import Response

from provider.destination import Destination
from provider.oauth.authorize import parked_requests
from provider.oauth.authorize.request import AuthorizationRequest, Target, find_target, read_request
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.checks import Checks
from provider.oauth.errors import OAuth2Error
from provider.oauth.http.authorization_errors import RequestGone, request_gone
from provider.oauth.http.server import server_of
from provider.sessions.cookie import find_session
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.pages import go


@dataclass(frozen=True)
class Question:
    """A parked request of this browser, read once, and the user who is asked."""

    parked: ParkedRequest
    target: Target
    request: AuthorizationRequest
    session: Session

    def destination(self, call: Call) -> Destination:
        """Return where the user goes next, with the app that asks. Raises RequestGone if there is none any more."""
        app = parked_requests.app_of(server_of(call), self.parked, self.request.client)
        if app is None:
            raise RequestGone
        return destination(call, app=app)


def find_question(call: Call, name: str) -> Question | Response:
    """Return the question and its user, or the response if there is nothing to ask here. `name` is that of the page."""
    request_uri = call.query.get("request_uri") or ""
    parked = parked_requests.find(call.work, request_uri)
    if parked is None:
        return request_gone(call, call.query.get("client_id"))
    session = find_session(call)
    if session is None or not parked_requests.is_own(parked, call.browser):
        return go(resume_url(call, parked))
    checks, given = Checks(name), parked_requests.parameters_of(parked)
    try:
        target = find_target(call.work, server_of(call), checks, given)
        request = read_request(call.work, server_of(call), checks, target, given)
    except OAuth2Error:
        # No longer a request we would take (the client was disabled or changed meanwhile): the way back says so.
        return go(resume_url(call, parked))
    return Question(parked, target, request, session)


def resume_url(call: Call, parked: ParkedRequest) -> str:
    """Return the URL that continues the request of the page's `request_uri`."""
    request_uri, ui_locales = call.query.get("request_uri") or "", call.query.get("ui_locales")
    return parked_requests.resume_url(request_uri, client_id=parked.client_id, ui_locales=ui_locales)
