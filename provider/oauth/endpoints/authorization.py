"""The authorization endpoint (RFC 6749 section 3.1, OIDC Core section 3.1.2).

It checks the request, asks `authorization_steps` what is missing, and does exactly one thing: respond with what was
requested, reject, or park the request and send the user to the missing step.
"""

from starlette.responses import Response

from provider.destination import Destination
from provider.oauth.authorize import parked_requests
from provider.oauth.authorize.accounts import find_account
from provider.oauth.authorize.approval import approve
from provider.oauth.authorize.interaction import Issue
from provider.oauth.authorize.request import (
    Target,
    find_target,
    read_request,
    require_still_registered,
    require_unpushed_allowed,
)
from provider.oauth.authorize.request_objects import require_signed, unwrap
from provider.oauth.authorize.store import authorization_requests
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.checks import Checks
from provider.oauth.errors import OAuth2Error
from provider.oauth.http.authorization_errors import decline, error_response, refuse_on_page, request_gone
from provider.oauth.http.authorization_response import answer
from provider.oauth.http.authorization_steps import asks_user_of_session, find_step, page_of, require_allowed_to_ask
from provider.oauth.http.server import server_of
from provider.oauth.response_types import ID_TOKEN
from provider.oauth.tokens.encrypted_responses import find_keys
from provider.oauth.tokens.server import AuthorizationServer
from provider.parameters import Parameters
from provider.sessions.cookie import find_others, find_session, find_signed_in, switch_session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go


@endpoint(csrf_checked=False, refuses_head=True, is_quick=True)
def authorization(call: Call) -> Response:
    """Answer authorization requests: GET or POST /oauth2/authorize.

    A POST may come from any site and without cookies, so it is parked and read again.
    """
    server = server_of(call)
    plain = call.form if call.method == "POST" else call.query
    request_uri = plain.get("request_uri", "")
    if request_uri.startswith(parked_requests.URN):
        return _resume(call, server, plain, request_uri)
    checks = Checks("authorization")
    try:
        given = unwrap(call.work, server, checks, plain)
    except OAuth2Error as error:
        return _refused_unread(call, server, plain, error)
    try:
        target = find_target(call.work, server, checks, given)
    except OAuth2Error as error:
        return refuse_on_page(call, error)
    try:
        require_unpushed_allowed(checks, target.client)
        require_signed(checks, target.client, plain)
        _find_keys(call, server, checks, target, given)
    except OAuth2Error as error:
        return _refused_to_app(call, target, error, None)
    return _answer(call, server, checks, target, given, parked=None, wished=given)


def _resume(call: Call, server: AuthorizationServer, plain: Parameters, request_uri: str) -> Response:
    """Continue a parked request: after a step, in an old tab, or when it was pushed (RFC 9126 section 4).

    The stored parameters are checked like those of a new request. Parameters beside the handle are ignored.
    """
    parked = parked_requests.find(call.work, request_uri)
    if parked is None:
        return request_gone(call, plain.get("client_id"))
    checks = Checks("authorization")
    given = parked_requests.parameters_of(parked)
    try:
        parked_requests.require_own(checks, parked, plain.get("client_id"))
        target = find_target(call.work, server, checks, given)
    except OAuth2Error as error:
        return refuse_on_page(call, error)
    if call.method == "POST":
        return go(parked_requests.resume_url(request_uri, client_id=parked.client_id))
    try:
        _find_keys(call, server, checks, target, given)
    except OAuth2Error as error:
        return _refused_to_app(call, target, error, parked)
    wished, pushed, client_id = plain if parked.browser is not None else given, parked.pushed, parked.client_id
    parked = parked_requests.claim(call.work, parked, call.browser)
    if parked is None and pushed:
        return request_gone(call, client_id)  # a code was issued for it in another browser, a moment ago
    kept_at = request_uri if parked else None
    return _answer(call, server, checks, target, given, parked=parked, request_uri=kept_at, wished=wished)


def _find_keys(call: Call, server: AuthorizationServer, checks: Checks, target: Target, given: Parameters) -> None:
    """Fetch the keys of a client to which the response or its ID token is encrypted, before anything is written."""
    metadata = target.client.metadata
    encrypted = target.response_mode.is_jwt and metadata.authorization_encrypted_response_alg is not None
    if ID_TOKEN in given.get("response_type", "").split(" "):
        encrypted = encrypted or metadata.id_token_encrypted_response_alg is not None
    if encrypted:
        find_keys(call.work, server, target.client, checks)


def _answer(
    call: Call,
    server: AuthorizationServer,
    checks: Checks,
    target: Target,
    given: Parameters,
    *,
    parked: ParkedRequest | None,
    wished: Parameters,
    request_uri: str | None = None,
) -> Response:
    try:
        request = read_request(call.work, server, checks, target, given)
        if call.method == "POST":
            uri = parked_requests.park(call.work, request, given, browser=None)
            return go(
                parked_requests.resume_url(uri, client_id=request.client.client_id, ui_locales=given.get("ui_locales"))
            )
        session, others = find_session(call), find_others(call)
        if others:
            here, hint = find_signed_in(call), given.get("login_hint")
            session = find_account(call.work, request, current=session, signed_in=here, parked=parked, login_hint=hint)
        step = find_step(call, request, session, parked, is_one_of_several=bool(others))
        if isinstance(step, Issue) and session is not None:
            approved = approve(call.work, server, request, session, parked)
            if approved is None:
                return go(call.page_url) if parked is None else request_gone(call, request.client.client_id)
            return answer(call, target, approved, session=session)
        require_allowed_to_ask(checks, request, step)
    except OAuth2Error as error:
        return _refused_to_app(call, target, error, parked)
    if others and session is not None and asks_user_of_session(step):
        switch_session(call, session)
    # What the app wished for holds until the person chooses another language, which takes it out of the way back.
    ui_locales = wished.get("ui_locales")
    if request_uri is None:
        request_uri = parked_requests.park(call.work, request, given, browser=call.browser)
    client_id = request.client.client_id
    return go(page_of(call, step, Destination(request_uri=request_uri, client_id=client_id, ui_locales=ui_locales)))


@endpoint(form_on="/oauth2/authorize", before_sign_in=True)
def cancel(call: Call) -> Response:
    """Send the user back to the app without signing in: POST /oauth2/authorize/cancel?request_uri=."""
    request_uri = call.query.get("request_uri") or ""
    parked = parked_requests.find(call.work, request_uri)
    if parked is None or not parked_requests.is_own(parked, call.browser):
        return request_gone(call, call.query.get("client_id"))
    try:
        target = find_target(call.work, server_of(call), Checks("authorization"), parked_requests.parameters_of(parked))
    except OAuth2Error as refused:  # the client was disabled or changed meanwhile
        return refuse_on_page(call, refused)
    return decline(call, parked, target)


def _refused_to_app(call: Call, target: Target, error: OAuth2Error, parked: ParkedRequest | None) -> Response:
    try:
        require_still_registered(call.work, server_of(call), Checks("authorization", target.client.client_id), target)
    except OAuth2Error as gone:
        return refuse_on_page(call, gone)
    if parked is not None:
        authorization_requests.complete(call.work.db, parked.digest, now=call.work.now)
    return error_response(call, target, error)


def _refused_unread(call: Call, server: AuthorizationServer, plain: Parameters, error: OAuth2Error) -> Response:
    """Reject a request whose request object is invalid. The app is notified only at a registered redirect_uri beside
    the object.
    """
    try:
        target = find_target(call.work, server, Checks("authorization"), plain)
    except OAuth2Error:
        return refuse_on_page(call, error)
    return _refused_to_app(call, target, error, None) if target.redirect_uri_given else refuse_on_page(call, error)
