"""The consent page: which app asks, for what, and for which account. The user can allow, deny, or switch the account.

It takes only the request_uri (OIDC Core section 3.1.2.4).
"""

from dataclasses import dataclass

from starlette.responses import Response

from provider.accounts.store import email_addresses
from provider.destination import Destination
from provider.oauth.authorization_details.wording import describe
from provider.oauth.authorize import consent as rule
from provider.oauth.authorize import parked_requests
from provider.oauth.authorize.request import AuthorizationRequest, Target, find_target, read_request
from provider.oauth.authorize.store import authorization_requests
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.checks import Checks
from provider.oauth.errors import OAuth2Error
from provider.oauth.http.authorization_errors import RequestGone, decline, request_gone
from provider.oauth.http.server import server_of
from provider.sessions.cookie import find_session
from provider.sessions.guards import page_to_switch
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


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


@endpoint(asks_again=True)
def consent(call: Call) -> Response:
    """Show or submit the consent page: GET and POST /consent?request_uri=."""
    question = _question(call)
    if isinstance(question, Response):
        return question
    if call.method == "POST":
        return _answer(call, question)
    address = email_addresses.find_of_user(call.work.read, question.session.user_id)
    where = question.destination(call)
    return page(
        call,
        "oauth/consent.html",
        form_targets=where.form_targets,
        image_sources=where.image_sources,
        app=where.app,
        account=address.address if address else question.session.user_id,
        permissions=rule.permissions_asked_for(call.work, question.request),
        details=describe(question.request.details.values, question.request.details.types),
        apis=rule.find_apis(call.work, server_of(call), question.request.resources),
    )


def _question(call: Call) -> Question | Response:
    """Return the question and its user, or the response if there is nothing to ask here."""
    request_uri = call.query.get("request_uri") or ""
    parked = parked_requests.find(call.work, request_uri)
    if parked is None:
        return request_gone(call, call.query.get("client_id"))
    session = find_session(call)
    if session is None or not parked_requests.is_own(parked, call.browser):
        return go(_resume_url(call, parked))
    checks, given = Checks("consent"), parked_requests.parameters_of(parked)
    try:
        target = find_target(call.work, server_of(call), checks, given)
        request = read_request(call.work, server_of(call), checks, target, given)
    except OAuth2Error:
        # No longer a request we would take (the client was disabled or changed meanwhile): the way back says so.
        return go(_resume_url(call, parked))
    return Question(parked, target, request, session)


def _answer(call: Call, question: Question) -> Response:
    decision = call.form.get("decision")
    if decision == "switch":
        return go(page_to_switch(call, question.destination(call)))
    if decision == "deny":
        rule.deny(call.work, user_id=question.session.user_id, client_id=question.parked.client_id)
        return decline(call, question.parked, question.target)
    if decision == "allow":
        request, user_id = question.request, question.session.user_id
        rule.grant(
            call.work,
            user_id=user_id,
            client=request.client,
            scopes=request.scope,
            claims=request.claims.names,
            resources=request.resources,
            details=request.details,
        )
        authorization_requests.mark_consented(call.work.db, question.parked, user_id)
        return go(_resume_url(call, question.parked))
    return go(call.path + "?" + call.scope["query_string"].decode("ascii", "replace"))


def _resume_url(call: Call, parked: ParkedRequest) -> str:
    request_uri, ui_locales = call.query.get("request_uri") or "", call.query.get("ui_locales")
    return parked_requests.resume_url(request_uri, client_id=parked.client_id, ui_locales=ui_locales)
