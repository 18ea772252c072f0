"""The next step the user must take before a code may be issued. Pure: the endpoint acts on the step.

Under prompt=none the same step becomes the corresponding error (OIDC Core section 3.1.2.6).

`_consent_needed` compares a request with the consent that is remembered. What is remembered, and for which clients, is
decided in `oauth.authorize.consent`.
"""

from dataclasses import dataclass
from datetime import datetime

from provider.oauth.authorization_details.granting import are_all_in
from provider.oauth.authorize.access_policy import Denial
from provider.oauth.authorize.errors import (
    AccountSelectionRequiredError,
    ConsentRequiredError,
    InteractionRequiredError,
    LoginRequiredError,
)
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.authorize.store.consents import Consent
from provider.oauth.errors import AccessDeniedError, OAuth2Error, UnmetAuthenticationRequirementsError
from provider.sessions.assurance import (
    AAL1,
    AAL2,
    PHR,
    is_at_least,
    is_fresh,
    least_wanted,
    level_of,
    satisfies,
    strictest,
)
from provider.sessions.store import Session


@dataclass(frozen=True)
class LogIn:
    """The user must sign in. `again`: a user is signed in but must authenticate again; `another`: another user must.
    `why` is for the explanation.
    """

    why: str
    again: bool = False
    another: bool = False
    error: type[OAuth2Error] = LoginRequiredError


@dataclass(frozen=True)
class SignUp:
    """The user must create an account. A user who already has one may sign in instead."""

    why: str = "the user must create an account (prompt=create)"
    error: type[OAuth2Error] = InteractionRequiredError


@dataclass(frozen=True)
class StepUp:
    """The user must show another factor, which they have, to reach this level."""

    level: str = AAL2
    error: type[OAuth2Error] = InteractionRequiredError

    @property
    def why(self) -> str:
        return f"the user must use {'a passkey' if self.level == PHR else 'a second factor'}"


@dataclass(frozen=True)
class SetUp:
    """The user must set up a factor, because an operator requires this level."""

    level: str = AAL2
    error: type[OAuth2Error] = InteractionRequiredError

    @property
    def why(self) -> str:
        return f"the user must set up {'a passkey' if self.level == PHR else 'a second factor'}"


@dataclass(frozen=True)
class SelectAccount:
    why: str = "the user must choose an account (prompt=select_account)"
    error: type[OAuth2Error] = AccountSelectionRequiredError


@dataclass(frozen=True)
class AcceptTerms:
    """The user must accept the operator's terms of service, because they are new or have changed."""

    why: str = "the user must accept the terms of service"
    error: type[OAuth2Error] = InteractionRequiredError


@dataclass(frozen=True)
class AskConsent:
    why: str = "the user has not allowed access yet"
    error: type[OAuth2Error] = ConsentRequiredError


@dataclass(frozen=True)
class Deny:
    """The user may not sign in to this app. Another user may."""

    denial: Denial
    error: type[OAuth2Error] = AccessDeniedError

    @property
    def why(self) -> str:
        return self.denial.why


@dataclass(frozen=True)
class Refuse:
    """The request cannot succeed, whatever the user does."""

    why: str
    error: type[OAuth2Error]
    fix: str = "Request an acr that the user can reach, and name a user who can sign in here."


@dataclass(frozen=True)
class Issue:
    pass


SEVERAL = "the user must choose one of the accounts that are signed in in this browser"
Step = LogIn | SignUp | StepUp | SetUp | SelectAccount | AcceptTerms | AskConsent | Deny | Refuse | Issue


@dataclass(frozen=True, kw_only=True)
class UserState:
    """The facts about the user of a session that decide the next step. The defaults are those of no user."""

    consent: Consent | None = None
    """What the user granted this client before (`oauth.authorize.consent.granted`)."""
    reachable: str = AAL1
    """The level that the user's factors can reach."""
    required: str = AAL1
    """The level that operators require."""
    terms_due: bool = False
    """Whether the user has not accepted the current terms of service."""
    denied: Denial | None = None
    """The rule of the app that the user doesn't meet."""


def next_step(
    request: AuthorizationRequest,
    session: Session | None,
    user: UserState,
    *,
    parked: ParkedRequest | None,
    now: datetime,
    just_signed_in: bool = False,
    must_choose: bool = False,
) -> Step:
    """Return the first missing step. `parked` is the request as it was stored, if the browser returns to it.

    `just_signed_in`: the user signed in for this request, which was not stored. `must_choose`: accounts are signed in,
    but the request is for none of them yet, so `session` is None.
    """
    if session is None:
        if "create" in request.prompt:
            return SignUp()
        return SelectAccount(SEVERAL) if must_choose else LogIn("no user is signed in")
    just_signed_in = just_signed_in or (parked is not None and parked.has_sign_in_of(session))
    login = _login_needed(request, session, just_signed_in=just_signed_in, now=now)
    if login is not None:
        return login
    has_chosen = just_signed_in or (parked is not None and parked.chosen_session_id == session.id)
    if "select_account" in request.prompt and not has_chosen:
        return SelectAccount()
    if user.denied is not None:  # before any factor is set up for an app that stays closed
        return Deny(user.denied)
    missing = level_needed(request, level_of(session.amr), reachable=user.reachable, required=user.required)
    if missing is not None:
        return missing
    if user.terms_due:
        return AcceptTerms()
    if parked is not None and parked.consented_by == session.user_id:
        return Issue()
    return _consent_needed(request, user.consent) or Issue()


def _login_needed(
    request: AuthorizationRequest, session: Session, *, just_signed_in: bool, now: datetime
) -> Step | None:
    """Return the sign-in step that is still required, or None.

    A sign-in for this very request satisfies prompt=login, prompt=create and max_age. Otherwise the user would be asked
    endlessly. `max_age=0` is the same as prompt=login (OIDC Core section 3.1.2.1); a larger one is also satisfied by
    the time of another sign-in.
    """
    if not just_signed_in:
        if "create" in request.prompt:
            return SignUp()
        if "login" in request.prompt or request.max_age == 0:
            return LogIn(
                f"the user must sign in again ({'prompt=login' if 'login' in request.prompt else 'max_age=0'})",
                again=True,
            )
        if not is_fresh(session.auth_time, request.max_age, now):
            return LogIn("the user signed in longer ago than max_age", again=True)
    if request.expected_user_id not in {None, session.user_id}:
        if just_signed_in:
            return Refuse("the user who signed in is not the one in id_token_hint or claims", LoginRequiredError)
        return LogIn("the user who is signed in is not the one in id_token_hint or claims", again=True, another=True)
    return None


def level_needed(
    request: AuthorizationRequest, level: str, *, reachable: str, required: str
) -> StepUp | SetUp | Refuse | None:
    """Return how the user gets from this level to what is missing, or None.

    What an app asks for is voluntary unless it is essential (OIDC Core section 5.5.1.1). What operators require is not.
    """
    wanted = request.acr_values
    if request.acr_essential and not satisfies(strictest(level, reachable, required), wanted):
        return Refuse("the user cannot reach an essential acr value", UnmetAuthenticationRequirementsError)
    goal = required
    # For a level nobody can reach, asking for a factor again would ask for ever.
    if not satisfies(level, wanted) and satisfies(strictest(reachable, required), wanted):
        goal = strictest(required, least_wanted(wanted) or required)
    if is_at_least(level, goal):
        return None
    return StepUp(goal) if is_at_least(reachable, goal) else SetUp(goal)


def _consent_needed(request: AuthorizationRequest, consent: Consent | None) -> AskConsent | None:
    if "consent" in request.prompt:
        return AskConsent("the user must allow access again (prompt=consent)")
    if request.client.metadata.first_party:
        return None
    if consent is None:
        return AskConsent()
    missing = set(request.scope) - set(consent.scopes) or request.claims.names - set(consent.claims)
    missing = missing or set(request.resources) - set(consent.resources or ())
    if missing or not are_all_in(request.details.values, consent.authorization_details or ()):
        return AskConsent("the user has not allowed all of this access yet")
    return AskConsent("the user is asked each time for this type of details") if request.details.must_be_asked else None
