"""What the pages have in common on which a user answers a request that a client polls for (RFC 8628 section 3.3, CIBA
section 8).
"""

from typing import Any

from starlette.responses import Response

from provider.accounts import terms
from provider.accounts.factors import second_factor
from provider.accounts.factors.policy import required_level, requirement_of_app
from provider.accounts.store import email_addresses
from provider.destination import Destination
from provider.oauth.authorization_details.wording import describe
from provider.oauth.authorize.access_policy import find_denial
from provider.oauth.authorize.consent import find_apis, permissions_asked_for
from provider.oauth.authorize.interaction import SetUp, StepUp, level_needed
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.grants.waiting_requests import WaitingRequest
from provider.oauth.http.access_denied import denied_page
from provider.oauth.http.server import server_of
from provider.sessions.active import ActiveSession
from provider.sessions.assurance import AAL1, level_of, strictest
from provider.sessions.guards import StepUpRequired, page_to_switch
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.pages import go


def find_missing_step(call: Call, request: AuthorizationRequest, session: ActiveSession) -> Response | None:
    """Return the redirect to what the user must do before they may answer, the page that says why they may not sign in
    to this app, or None.

    Raises StepUpRequired if another factor is missing: one that operators require, or one for the `acr_values` of the
    request that the user has.
    """
    work, client = call.work, request.client
    if (denied := find_denial(work, client, session.user_id)) is not None:
        switch = page_to_switch(call, Destination(return_to=call.page_url))
        return denied_page(call, client, denied, user_id=session.user_id, somebody_else=switch)
    of_app = requirement_of_app(client.metadata.required_factor)
    required = strictest(required_level(call.settings, session), of_app.level)
    reachable = second_factor.reachable_level(work, session.user_id) if request.acr_values else AAL1
    missing = level_needed(request, level_of(session.amr), reachable=reachable, required=required)
    if isinstance(missing, StepUp | SetUp):
        raise StepUpRequired(call, level=missing.level)
    if terms.is_due(work, user_id=session.user_id):
        return go(Destination(return_to=call.page_url).through("/login/terms"))
    return None


def describe_waiting(call: Call, waiting: WaitingRequest, session: Session) -> dict[str, Any]:
    """Return the values of the page: the app, what it asks for, when and from where, and the account."""
    request = waiting.request
    client = request.client
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    return {
        "app": {
            "name": client.name,
            "host": client.host,
            "is_vouched_for": client.is_vouched_for,
            "first_seen": client.created_at if client.has_document else None,
        },
        "network": waiting.network,
        "asked_at": waiting.asked_at,
        "permissions": permissions_asked_for(call.work, request),
        "details": describe(request.details.values, request.details.types),
        "apis": find_apis(call.work, server_of(call), request.resources),
        "offline": request.offline,
        "account": address.address if address else session.user_id,
        "somebody_else": page_to_switch(call, Destination(return_to=call.page_url)),
    }
