"""The account chooser: continue with one of the accounts that are signed in in this browser, or with another one.

Apps ask for it with prompt=select_account (OIDC Core section 3.1.2.1). Users come to it to switch accounts, and when
several accounts are signed in and a request is for none of them.
"""

from collections.abc import Sequence

from starlette.responses import Response

from provider.accounts.signed_in_accounts import describe_accounts
from provider.audit.events import Event
from provider.audit.log import record
from provider.destination import Destination
from provider.oauth.authorize import parked_requests
from provider.oauth.authorize.store import authorization_requests
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.http.authorization_errors import request_gone
from provider.oauth.http.server import server_of
from provider.oauth.logout.front_channel import SIGNED_OUT
from provider.sessions import lifecycle
from provider.sessions.cookie import (
    find_here,
    find_pending_session,
    find_session,
    find_signed_in,
    forget_ended,
    switch_session,
)
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint(asks_again=True)
def account_chooser(call: Call) -> Response:
    """Show or submit the account chooser: GET and POST /select-account.

    It leads on to the app of a `request_uri`, or to the page `return_to`.
    """
    request_uri, parked = call.query.get("request_uri"), None
    if request_uri is not None:
        parked = parked_requests.find(call.work, request_uri)
        if parked is None:
            return request_gone(call, call.query.get("client_id"))
    signed_in = find_signed_in(call)
    if parked is not None and (not signed_in or not parked_requests.is_own(parked, call.browser)):
        return go(_resume_url(call, parked))
    where = _destination(call, parked)
    if not signed_in:
        return go(where.through("/login"))
    if call.method == "POST":
        return _answer(call, where, parked, signed_in)
    return page(
        call,
        "oauth/select_account.html",
        form_targets=where.form_targets,
        app=where.app,
        accounts=describe_accounts(call.work, signed_in, current=find_session(call)),
        most=call.settings.accounts_per_browser,
    )


def _destination(call: Call, parked: ParkedRequest | None) -> Destination:
    if parked is None:
        return destination(call)
    server = server_of(call)
    client = server.clients.find(call.work, parked.client_id)
    return destination(call, app=None if client is None else parked_requests.app_of(server, parked, client))


def _answer(call: Call, where: Destination, parked: ParkedRequest | None, signed_in: Sequence[Session]) -> Response:
    form = call.form
    chosen = next((session for session in signed_in if session.id == form.get("account")), None)
    if form.get("decision") == "continue":  # on a page of the previous release, which has the current account only
        chosen = find_session(call)
    if chosen is not None:
        _choose(call, parked, chosen)
        return go(where.location)
    if form.get("decision") == "other":
        return go(where.through("/login", prompt="select_account"))
    ending = find_here(call) if form.get("sign_out") == "all" else signed_in
    ending = [session for session in ending if form.get("sign_out") in {"all", session.id}]
    return _sign_out(call, where, ending) if ending else go(call.page_url)


def _choose(call: Call, parked: ParkedRequest | None, chosen: Session) -> None:
    pending, before = find_pending_session(call), find_session(call)
    if pending is not None:  # without its cookie it could not be finished
        lifecycle.end_session(call.work, pending, reason="somebody_else_signed_in")
    if before is None or before.id != chosen.id:
        record(call.work, Event.ACCOUNT_CHOSEN, user_id=chosen.user_id, session=chosen.id)
    if parked is not None:
        authorization_requests.choose_session(call.work.db, parked, chosen.id)
    switch_session(call, chosen)


def _sign_out(call: Call, where: Destination, ending: Sequence[Session]) -> Response:
    """End these sessions, then show which apps are notified, or the accounts that are left."""
    for session in ending:
        lifecycle.end_session(call.work, session, reason="signed_out")
    forget_ended(call, ending)
    then = call.services.page_after_sign_out(call.work, ended=ending)
    if then != SIGNED_OUT:
        return go(then)
    if find_signed_in(call):
        return go(call.page_url)
    return go(SIGNED_OUT if where.app is None else where.through("/login"))


def _resume_url(call: Call, parked: ParkedRequest) -> str:
    request_uri, ui_locales = call.query.get("request_uri") or "", call.query.get("ui_locales")
    return parked_requests.resume_url(request_uri, client_id=parked.client_id, ui_locales=ui_locales)
