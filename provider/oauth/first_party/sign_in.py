"""Sign-in inside a first-party app (draft-ietf-oauth-first-party-apps), which ends in an authorization code.

It has the same steps, limits and events as the sign-in pages. Between the steps the app holds an `auth_session`. It is
sealed for this client and valid only for the next step of this sign-in. The session's cookie value is sealed
inside, so an `auth_session` is not usable as a cookie, nor a cookie as an `auth_session`.
"""

from dataclasses import replace
from typing import Any

from provider.accounts import terms
from provider.accounts.email.verification_emails import seal_ticket
from provider.accounts.factors import policy, second_factor
from provider.accounts.factors.factor import WrongSecondFactor
from provider.accounts.factors.recovery_codes import RECOVERY_CODES
from provider.accounts.factors.second_factor import SecondFactorLocked, SignInExpired
from provider.accounts.factors.totp import TOTP
from provider.crypto.digests import digest
from provider.login.active import AddressUnconfirmed, Suspended
from provider.login.arrival import Arrival
from provider.login.next_factor import Step
from provider.login.password import WrongPassword, sign_in_after_sign_up, sign_in_by_password
from provider.login.second_factor import SecondFactorExpired, show_second_factor
from provider.login.steps import SignIn
from provider.oauth.authorize.access_policy import find_denial, require_access
from provider.oauth.authorize.approval import new_code
from provider.oauth.authorize.interaction import Deny, Issue, UserState, next_step
from provider.oauth.authorize.parameters import with_proven_key
from provider.oauth.authorize.request import AuthorizationRequest, Target, find_target, read_request
from provider.oauth.clients.clients import Client
from provider.oauth.clients.rules.email_pages import MEMBERS, problem_with_page
from provider.oauth.errors import (
    AccessDeniedError,
    InsufficientAuthorizationError,
    InvalidRequestError,
    InvalidSessionError,
    RedirectToWebError,
)
from provider.oauth.first_party import email_code_sign_in, passkey_sign_in
from provider.oauth.first_party import store as own_sessions
from provider.oauth.grants.request import TokenRequest
from provider.oauth.sender_constraint.confirmation import Confirmation
from provider.parameters import Parameters
from provider.sessions.active import find_active
from provider.sessions.idle import idle_since
from provider.sessions.lifecycle import end_session, sign_in_again
from provider.sessions.store import Session
from provider.work import UnitOfWork

PURPOSE = "auth-session"
SECTION = "First-Party Applications section 5.1"
KEPT = (
    "redirect_uri",
    "scope",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "acr_values",
    "authorization_details",
    "max_age",
    "claims",
    "dpop_jkt",
)
"""Parameters of the first request that the code will depend on. Later requests cannot change them."""
OVER = "auth_session is invalid or expired. Start again with username and password"


def use_email_pages_of(work: UnitOfWork, client: Client) -> None:
    """Let links in the emails that this request causes lead to the pages the first-party client registered for them.

    A page that could not be registered now (of an earlier release, or of an import) is not used: ours are.
    """
    may_be_local = work.settings.may_use_local_pages
    pages = {name: getattr(client.metadata, name) for name in MEMBERS}
    used = {
        name: uri
        for name, uri in pages.items()
        if uri is not None and problem_with_page(uri, may_be_local=may_be_local) is None
    }
    work.origin = replace(work.origin, **used)


def begin(request: TokenRequest) -> str:
    """Check the password. Returns a code, or raises InsufficientAuthorizationError with the `auth_session` for the next
    step. With `passkey=true` instead of a password, it raises what the device has to answer, and with `email_code=true`
    the `auth_session` for a code that it emails.
    """
    work, form = request.work, request.form
    use_email_pages_of(work, request.client)
    given = _given(request)
    asked = _read(request, given)
    if form.get("passkey") == "true":
        raise passkey_sign_in.begin(request, given, purpose=PURPOSE)
    if form.get("email_code") == email_code_sign_in.ASKS:
        raise email_code_sign_in.begin(request, given, purpose=PURPOSE)
    username, password = request.required("username", SECTION), request.required("password", SECTION)
    try:
        arrival = Arrival(client_id=request.client.client_id)
        signed_in = sign_in_by_password(work, arrival, username=username, password=password)
    except (WrongPassword, Suspended) as refusal:
        raise AccessDeniedError(description=refusal.message) from None
    except AddressUnconfirmed as refusal:
        has_letters = work.settings.has("email-verification")
        more = {"ticket": seal_ticket(work, refusal.ticket)} if has_letters else {}
        raise InsufficientAuthorizationError(refusal.message, **more) from None
    return _after_first_factor(request, asked, given, signed_in)


def _after_first_factor(
    request: TokenRequest, asked: AuthorizationRequest, given: dict[str, str], signed_in: SignIn
) -> str:
    work = request.work
    if signed_in.step is Step.DONE:
        return _finish(request, asked, signed_in.cookie, just_signed_in=True)
    if TOTP not in second_factor.find_offered(work, signed_in.user_id):
        _end(work, signed_in.cookie)
        raise RedirectToWebError("Start an authorization request in a browser: the user must use a passkey")
    sealed = _seal(work, request.client, signed_in.cookie, given=given, key=request.confirmation)
    expires_in = int(work.settings.second_factor_lifetime.total_seconds())
    raise InsufficientAuthorizationError(
        "Two-factor authentication is required. Send otp or recovery_code", auth_session=sealed, expires_in=expires_in
    )


def begin_after_sign_up(work: UnitOfWork, client: Client, *, user_id: str) -> str | None:
    """Begin the sign-in of a user who just signed up in this app. Returns the `auth_session`, with which the app gets a
    code without sending the password again; None for a client that may not sign users in.
    """
    if not client.metadata.authorization_challenge:
        return None
    signed_in = sign_in_after_sign_up(work, Arrival(client_id=client.client_id), user_id=user_id)
    return _seal(work, client, signed_in.cookie, given=None)


def continue_sign_in(request: TokenRequest, auth_session: str) -> str:
    """Check the second factor, if one is due, and return a code.

    After a wrong one the `auth_session` stays valid, for as many attempts as on the sign-in pages. That of a sign-up
    comes with the parameters of the authorization request, and works once.
    """
    work = request.work
    value = work.vault.unseal(auth_session, purpose=PURPOSE, now=work.now)
    if value is None or value["client_id"] != request.client.client_id:
        raise InvalidSessionError(OVER)
    if value.get("key") not in {None, request.confirmation}:  # begun with a DPoP proof: the app has to hold its key
        raise InvalidSessionError(OVER)
    if value.get("passkey") is not None:
        cookie = passkey_sign_in.finish(request, value["passkey"])
        return _finish(request, _read(request, value["given"]), cookie, just_signed_in=True)
    if value.get("email_code") is not None:
        return _continue_by_email_code(request, value, auth_session)
    session = _find(work, value["session"])
    if session is None:
        raise InvalidSessionError(OVER)
    if value["given"] is None:
        return _continue_after_sign_up(request, session)
    if session.pending_until is None or session.pending_until <= work.now:
        raise InvalidSessionError(OVER)
    return _show_second_factor(request, session, _read(request, value["given"]), auth_session)


def _continue_by_email_code(request: TokenRequest, value: dict[str, Any], auth_session: str) -> str:
    """Check the emailed code, or email another one if `email_code=true` is sent again."""
    given, begun = value["given"], value["email_code"]
    if request.form.get("email_code") == email_code_sign_in.ASKS:
        raise email_code_sign_in.begin(request, given, purpose=PURPOSE, bound_to=begun["bound_to"])
    asked = _read(request, given)
    try:
        signed_in = email_code_sign_in.finish(request, begun, auth_session)
    except (Suspended, AddressUnconfirmed) as refusal:
        raise AccessDeniedError(description=refusal.message) from None
    return _after_first_factor(request, asked, given, signed_in)


def _given(request: TokenRequest) -> dict[str, str]:
    """Return the parameters that the code depends on. With a DPoP proof it is bound to its key, as that of a pushed
    request (RFC 9449 section 10.1).
    """
    sent = Parameters([(name, request.form[name]) for name in KEPT if name in request.form])
    return dict(with_proven_key(request.checks, sent, request.confirmation))


def _seal(
    work: UnitOfWork, client: Client, cookie: str, *, given: dict[str, str] | None, key: Confirmation | None = None
) -> str:
    value = {"session": cookie, "client_id": client.client_id, "given": given, "key": key}
    return work.vault.seal(value, purpose=PURPOSE, now=work.now, lifetime=work.settings.second_factor_lifetime)


def _continue_after_sign_up(request: TokenRequest, session: Session) -> str:
    asked = _read(request, _given(request))
    # Under a new identifier: the `auth_session` that leads to the old one works once.
    cookie = sign_in_again(request.work, session, factor=session.amr, auth_time=session.auth_time, proven_earlier=True)
    if cookie is None:
        raise InvalidSessionError(OVER)
    return _finish(request, asked, cookie, just_signed_in=False)


def _show_second_factor(request: TokenRequest, session: Session, asked: AuthorizationRequest, auth_session: str) -> str:
    work, form = request.work, request.form
    factor = RECOVERY_CODES if "recovery_code" in form else TOTP
    code = form["recovery_code"] if factor is RECOVERY_CODES else request.required("otp", SECTION)
    try:
        cookie = show_second_factor(work, session, factor=factor, code=code, client_id=request.client.client_id)
    except (WrongSecondFactor, SecondFactorLocked) as refusal:
        raise InsufficientAuthorizationError(refusal.message, auth_session=auth_session) from None
    except (SignInExpired, SecondFactorExpired):
        raise InvalidSessionError(OVER) from None
    return _finish(request, asked, cookie, just_signed_in=True)


def _read(request: TokenRequest, given: dict[str, str]) -> AuthorizationRequest:
    """Return the authorization request. It is like any other, but needs no redirect and always needs PKCE."""
    parameters = {"response_type": "code", "client_id": request.client.client_id, **given}
    ask = Parameters(list(parameters.items()))
    target = Target(request.client, "", redirect_uri_given=False, state=None)
    if "redirect_uri" in given:
        target = find_target(request.work, request.server, request.checks, ask)
    asked = read_request(request.work, request.server, request.checks, target, ask)
    request.checks.require(
        asked.code_challenge is not None,
        "The request has a code_challenge (PKCE)",
        section="RFC 7636 section 4.3",
        error=InvalidRequestError,
        description="code_challenge is missing. The authorization challenge endpoint requires PKCE with S256",
        expected="a code_challenge",
        got="no code_challenge",
        fix="Send code_challenge and code_challenge_method=S256.",
    )
    return asked


def _finish(request: TokenRequest, asked: AuthorizationRequest, cookie: str, *, just_signed_in: bool) -> str:
    """Return the code. The session becomes the app's own, and no browser has its cookie."""
    work = request.work
    session = _find(work, cookie)
    if session is None:  # access to the account ended since the password was checked
        raise InvalidSessionError(OVER)
    of_app = policy.requirement_of_app(asked.client.metadata.required_factor)
    required = policy.find_requirement(work, session.user_id).or_stricter(of_app)
    user = UserState(
        reachable=second_factor.reachable_level(work, session.user_id),
        required=required.level,
        terms_due=terms.is_due(work, user_id=session.user_id),
        denied=find_denial(work, asked.client, session.user_id),
    )
    step = next_step(asked, session, user, parked=None, now=work.now, just_signed_in=just_signed_in)
    if isinstance(step, Deny):
        _end(work, cookie)
        require_access(request.checks, step.denial, error=AccessDeniedError, section=SECTION)
    if not isinstance(step, Issue):
        _end(work, cookie)
        raise RedirectToWebError(f"Start an authorization request in a browser: {step.why}")
    made = new_code(work, asked, session)
    if made is None:
        raise InvalidSessionError(OVER)
    code, grant = made
    own_sessions.put(work.db, grant.id, session.id)
    return code


def _end(work: UnitOfWork, cookie: str) -> None:
    session = _find(work, cookie)
    if session is not None:
        end_session(work, session, reason="redirected_to_web")


def _find(work: UnitOfWork, cookie: str) -> Session | None:
    return find_active(work.read, digest(cookie), now=work.now, idle_since=idle_since(work))
