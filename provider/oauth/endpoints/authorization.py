"""The authorization endpoint (RFC 6749 section 3.1, OIDC Core section 3.1.2).

It checks the request, asks `interaction` what is missing, and does exactly one thing: respond with what was requested,
reject, or park the request and send the user to the missing step.
"""

from starlette.responses import Response

from provider.accounts import terms
from provider.accounts.factors import policy, second_factor
from provider.destination import Destination
from provider.oauth.authorize import consent, parked_requests
from provider.oauth.authorize.access_policy import find_denial, require_access
from provider.oauth.authorize.accounts import find_account
from provider.oauth.authorize.approval import approve
from provider.oauth.authorize.interaction import (
    SEVERAL,
    AcceptTerms,
    AskConsent,
    Deny,
    Issue,
    LogIn,
    Refuse,
    SelectAccount,
    SetUp,
    SignUp,
    Step,
    StepUp,
    UserState,
    next_step,
)
from provider.oauth.authorize.request import (
    AuthorizationRequest,
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
from provider.oauth.errors import OAuth2Error, UnmetAuthenticationRequirementsError
from provider.oauth.http.authorization_errors import decline, error_response, refuse_on_page, request_gone
from provider.oauth.http.authorization_response import answer
from provider.oauth.http.server import server_of
from provider.oauth.response_types import ID_TOKEN
from provider.oauth.tokens.encrypted_responses import find_keys
from provider.oauth.tokens.server import AuthorizationServer
from provider.parameters import Parameters
from provider.sessions.assurance import AAL1, strictest
from provider.sessions.cookie import find_others, find_session, find_signed_in, switch_session
from provider.sessions.guards import step_up_parameters
from provider.sessions.store import ActiveSession
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go

PAGES: dict[type[Step], str] = {
    LogIn: "/login",
    SignUp: "/signup",
    StepUp: "/login/second-factor",
    SelectAccount: "/select-account",
    AcceptTerms: "/login/terms",
    AskConsent: "/consent",
    Deny: "/access-denied",
}
"""The page for each step. That of SetUp depends on what is missing."""


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
        step = _next_step(call, request, session, parked, is_one_of_several=bool(others))
        if isinstance(step, Issue) and session is not None:
            approved = approve(call.work, server, request, session, parked)
            if approved is None:
                return request_gone(call, request.client.client_id)
            return answer(call, target, approved, session=session)
        _require_allowed_to_ask(checks, request, step)
    except OAuth2Error as error:
        return _refused_to_app(call, target, error, parked)
    if others and session is not None and _asks_user_of_session(step):
        switch_session(call, session)
    # What the app wished for holds until the person chooses another language, which takes it out of the way back.
    ui_locales = wished.get("ui_locales")
    if request_uri is None:
        request_uri = parked_requests.park(call.work, request, given, browser=call.browser)
    client_id = request.client.client_id
    return go(_page_of(call, step, Destination(request_uri=request_uri, client_id=client_id, ui_locales=ui_locales)))


def _next_step(
    call: Call,
    request: AuthorizationRequest,
    session: ActiveSession | None,
    parked: ParkedRequest | None,
    *,
    is_one_of_several: bool,
) -> Step:
    work = call.work
    user = UserState() if session is None else _state_of_user(call, request, session)
    step = next_step(request, session, user, parked=parked, must_choose=is_one_of_several, now=work.now)
    if is_one_of_several and "none" in request.prompt and request.expected_user_id is None:
        # Why not would tell an app which accounts it guessed right: those that are signed in in this browser.
        return step if isinstance(step, Issue) else SelectAccount(SEVERAL)
    if isinstance(step, SetUp) and not policy.can_meet(call.settings, step.level):
        return Refuse(
            "the sign-in that operators require can't be set up here",
            UnmetAuthenticationRequirementsError,
            fix="Run `signet check` to see what is missing and turn it on. Or require less in SIGNET_REQUIRED_FACTOR, "
            "of the role, or of the client.",
        )
    return step


def _state_of_user(call: Call, request: AuthorizationRequest, session: ActiveSession) -> UserState:
    """Return what decides about the user's next step. Reads only what the request and its client need."""
    work, client, user_id = call.work, request.client, session.user_id
    required = _required_level(call, request, session)
    is_asked_for_level = bool(request.acr_values) or required != AAL1
    return UserState(
        consent=None if client.metadata.first_party else consent.granted(work, user_id=user_id, client=client),
        required=required,
        terms_due=terms.is_due(work, user_id=user_id),
        denied=find_denial(work, client, user_id),
        reachable=second_factor.reachable_level(work, user_id) if is_asked_for_level else AAL1,
    )


def _required_level(call: Call, request: AuthorizationRequest, session: ActiveSession) -> str:
    """Return the level that operators require of this user in this app."""
    of_app = policy.requirement_of_app(request.client.metadata.required_factor)
    return strictest(policy.required_level(call.settings, session), of_app.level)


def _require_allowed_to_ask(checks: Checks, request: AuthorizationRequest, step: Step) -> None:
    """Check that the user may be asked for the next step. Under prompt=none the step becomes its error."""
    if isinstance(step, Issue):
        return
    if isinstance(step, Deny) and "none" in request.prompt:
        require_access(checks, step.denial, error=step.error)
    checks.require(
        "none" not in request.prompt and not isinstance(step, Refuse),
        "The request needs no page (prompt=none)" if "none" in request.prompt else "The request can be fulfilled",
        section="OIDC Core section 3.1.2.6",
        error=step.error,
        description=f"prompt=none is not possible: {step.why}"
        if "none" in request.prompt
        else step.why[0].upper() + step.why[1:],
        expected="a request that needs no page"
        if "none" in request.prompt
        else "a user and an acr that the request allows",
        got=step.why,
        fix=step.fix
        if isinstance(step, Refuse)
        else "Send the request again without prompt=none, so that the user can answer.",
    )


def _asks_user_of_session(step: Step) -> bool:
    """Return whether the page of this step is for the user of the session that was found, and not for any user."""
    return isinstance(step, StepUp | SetUp | AskConsent | Deny) or (isinstance(step, LogIn) and not step.another)


def _page_of(call: Call, step: Step, destination: Destination) -> str:
    if isinstance(step, StepUp):
        return destination.through(PAGES[StepUp], **step_up_parameters(step.level))
    if isinstance(step, SetUp):
        return destination.through(policy.set_up_page(call.settings, step.level))
    if not isinstance(step, LogIn) or not step.again:
        return destination.through(PAGES[type(step)])
    return destination.through(PAGES[LogIn], prompt="select_account" if step.another else "login")


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
