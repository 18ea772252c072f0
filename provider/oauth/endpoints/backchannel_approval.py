"""The page /approve: a user reads what an app asks for, and answers (OpenID Connect CIBA section 8).

The link in the email proves nothing: the user signs in, and reads the page before they answer.
"""

from starlette.responses import Response

from provider.destination import HOME, Destination
from provider.oauth.ciba import requests
from provider.oauth.ciba.requests import APPROVAL_PATH, ApprovalRequest
from provider.oauth.http.server import server_of
from provider.oauth.http.waiting_request_pages import describe_waiting, find_missing_step
from provider.sessions.guards import page_to_switch, require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint(asks_again=True)
def approve(call: Call) -> Response:
    """Show or submit the page of a request: GET and POST /approve?request=."""
    session = require_user(call)
    request_id = call.query.text("request")
    if not request_id:
        return go(HOME)
    found = requests.find_waiting(call.work, server_of(call), request_id, user_id=session.user_id)
    if found is None:
        return _not_waiting(call)
    step = find_missing_step(call, found.request, session)
    if step is not None:
        return step
    if call.method == "POST":
        return _answer(call, found, session)
    return page(
        call,
        "oauth/approve.html",
        binding_message=found.row.binding_message,
        expires_at=found.row.expires_at,
        **describe_waiting(call, found, session),
    )


@endpoint
def answered(call: Call) -> Response:
    """Show the page after an answer: GET /approve/answered."""
    return page(call, "oauth/approval_answered.html", allowed=call.query.get("answer") == "allowed")


def _answer(call: Call, found: ApprovalRequest, session: Session) -> Response:
    decision = call.form.get("decision")
    if decision not in {"allow", "deny"}:
        return go(call.page_url)
    act = requests.allow if decision == "allow" else requests.deny
    if not act(call.work, found, session):
        return _not_waiting(call)
    return go(f"{APPROVAL_PATH}/answered?answer={'allowed' if decision == 'allow' else 'denied'}")


def _not_waiting(call: Call) -> Response:
    """Show that there is nothing to answer, for every reason alike: a stranger learns nothing about the request."""
    somebody_else = page_to_switch(call, Destination(return_to=call.page_url))
    return page(call, "oauth/approval_gone.html", status_code=404, somebody_else=somebody_else)
