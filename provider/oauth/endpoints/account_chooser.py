"""prompt=select_account (OIDC Core section 3.1.2.1): continue as the signed-in user, or as another one."""

from starlette.responses import Response

from provider.accounts.store import email_addresses
from provider.oauth.authorize import parked_requests
from provider.oauth.authorize.store import authorization_requests
from provider.oauth.http.authorization_errors import request_gone
from provider.oauth.http.server import server_of
from provider.sessions.cookie import find_session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint(asks_again=True)
def account_chooser(call: Call) -> Response:
    """Show or submit the account chooser: GET and POST /select-account?request_uri=."""
    request_uri = call.query.get("request_uri") or ""
    parked = parked_requests.find(call.work, request_uri)
    if parked is None:
        return request_gone(call, call.query.get("client_id"))
    session = find_session(call)
    if session is None or not parked_requests.is_own(parked, call.browser):
        ui_locales = call.query.get("ui_locales")
        return go(parked_requests.resume_url(request_uri, client_id=parked.client_id, ui_locales=ui_locales))
    client = server_of(call).clients.find(call.work, parked.client_id)
    where = destination(call, app=None if client is None else parked_requests.app_of(server_of(call), parked, client))
    decision = call.form.get("decision")
    if decision == "continue":
        authorization_requests.choose_session(call.work.db, parked, session.id)
        return go(where.location)
    if decision == "other":
        return go(where.through("/login", prompt="select_account"))
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    label = address.address if address else session.user_id
    return page(
        call,
        "oauth/select_account.html",
        form_targets=where.form_targets,
        app=where.app,
        accounts=[{"label": label}],
    )
