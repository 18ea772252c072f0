"""The next step of an authorization request: what is missing from the user, and its page (OIDC Core section 3.1.2.3).

`interaction` decides from what is looked up here.
"""

from provider.accounts import terms
from provider.accounts.factors import policy, second_factor
from provider.destination import Destination
from provider.oauth.authorize import consent
from provider.oauth.authorize.access_policy import find_denial, require_access
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
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.checks import Checks
from provider.oauth.errors import UnmetAuthenticationRequirementsError
from provider.sessions.active import ActiveSession
from provider.sessions.assurance import AAL1, strictest
from provider.sessions.guards import step_up_parameters
from provider.web.call import Call

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


def find_step(
    call: Call,
    request: AuthorizationRequest,
    session: ActiveSession | None,
    parked: ParkedRequest | None,
    *,
    is_one_of_several: bool,
) -> Step:
    """Return the next step of this request for the user of the session, if there is one. `is_one_of_several`: another
    account is signed in in this browser too.
    """
    user = UserState() if session is None else _state_of_user(call, request, session)
    step = next_step(request, session, user, parked=parked, must_choose=is_one_of_several, now=call.work.now)
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


def require_allowed_to_ask(checks: Checks, request: AuthorizationRequest, step: Step) -> None:
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


def asks_user_of_session(step: Step) -> bool:
    """Return whether the page of this step is for the user of the session that was found, and not for any user."""
    return isinstance(step, StepUp | SetUp | AskConsent | Deny) or (isinstance(step, LogIn) and not step.another)


def page_of(call: Call, step: Step, destination: Destination) -> str:
    """Return the URL of the page for a step."""
    if isinstance(step, StepUp):
        return destination.through(PAGES[StepUp], **step_up_parameters(step.level))
    if isinstance(step, SetUp):
        return destination.through(policy.set_up_page(call.settings, step.level))
    if not isinstance(step, LogIn) or not step.again:
        return destination.through(PAGES[type(step)])
    return destination.through(PAGES[LogIn], prompt="select_account" if step.another else "login")
