"""What a person must still do, as tables of cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provider.oauth.authorize.interaction import (
    AcceptTerms,
    AskConsent,
    Issue,
    LogIn,
    Refuse,
    SelectAccount,
    SetUp,
    SignUp,
    StepUp,
    UserState,
    next_step,
)
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.authorize.store.consents import Consent
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.tokens.claims import RequestedClaims
from provider.sessions.store import Session

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
ADA = "ada"
CLIENT = Client("c", ClientMetadata(redirect_uris=("https://app.test/cb",)), (), NOW, disabled=False)
FIRST_PARTY = replace(CLIENT, metadata=replace(CLIENT.metadata, first_party=True))
ALLOWED = Consent(ADA, "c", ["openid", "email"], [], NOW)


def ask(**changes: Any) -> AuthorizationRequest:
    given = {"client": CLIENT, "redirect_uri": "https://app.test/cb", "redirect_uri_given": True, "scope": ("openid",)}
    return AuthorizationRequest(**{**given, **changes})


def session(*, age: float = 60, amr: str = "pwd", user_id: str = ADA) -> Session:
    began = NOW - timedelta(seconds=age)
    return Session(
        id="s",
        digest=b"",
        user_id=user_id,
        created_at=began,
        auth_time=began,
        amr=amr,
        pending=None,
        pending_until=None,
        last_seen=NOW,
        expires_at=NOW + timedelta(hours=1),
        network="",
        user_agent="",
        ended_at=None,
        end_reason=None,
    )


def parked(*, chosen: str | None = None, consented: str | None = None, signed_in: str | None = None) -> ParkedRequest:
    began, expires_at = NOW - timedelta(seconds=30), NOW + timedelta(hours=1)
    return ParkedRequest(b"", "c", {}, None, began, expires_at, chosen, consented, None, signed_in_session_id=signed_in)


def step(request: AuthorizationRequest, who: Session | None, **known: Any) -> object:
    of_user = {name: known.pop(name) for name in UserState.__dataclass_fields__ if name in known}
    given: dict[str, Any] = {"parked": None, "now": NOW, **known}
    return next_step(request, who, UserState(**{"consent": ALLOWED, **of_user}), **given)


CASES = {
    # Terms of service: after the sign-in, before consent
    "terms come before an answer": (ask(), session(), {"terms_due": True}, AcceptTerms),
    "and before consent, also one that was given": (
        ask(),
        session(),
        {"terms_due": True, "parked": parked(consented=ADA)},
        AcceptTerms,
    ),
    "but after a second factor": (
        ask(acr_values=("aal2",)),
        session(),
        {"terms_due": True, "reachable": "aal2"},
        StepUp,
    ),
    # Who is signed in
    "no user is signed in": (ask(), None, {}, LogIn),
    "somebody is, and allowed this": (ask(), session(), {}, Issue),
    "prompt=none changes nothing when nothing is missing": (ask(prompt=frozenset({"none"})), session(), {}, Issue),
    # prompt=login and max_age (OIDC Core section 3.1.2.1)
    "prompt=login asks again": (ask(prompt=frozenset({"login"})), session(), {}, LogIn),
    "a sign-in for this request is": (
        ask(prompt=frozenset({"login"})),
        session(),
        {"parked": parked(signed_in="s")},
        Issue,
    ),
    "a sign-in for no request is not, however late": (
        ask(prompt=frozenset({"login"})),
        session(age=-3600),
        {"parked": parked()},
        LogIn,
    ),
    "a sign-in of another session is not": (
        ask(prompt=frozenset({"login"})),
        session(age=0),
        {"parked": parked(signed_in="other")},
        LogIn,
    ),
    "a sign-in for this request is, however slow the clock of its node": (
        ask(prompt=frozenset({"login"}), max_age=60),
        session(age=3600),
        {"parked": parked(signed_in="s")},
        Issue,
    ),
    "a session that an upstream renewed since, without asking the user, is not": (
        ask(max_age=60),
        replace(session(age=3600), proven_earlier=True),
        {"parked": parked(signed_in="s")},
        LogIn,
    ),
    "max_age in whole seconds, just reached": (ask(max_age=60), session(age=60.9), {}, Issue),
    "max_age passed": (ask(max_age=60), session(age=61), {}, LogIn),
    "max_age=0 is prompt=login, also right after a sign-in": (ask(max_age=0), session(age=0), {}, LogIn),
    "max_age=0 with a sign-in for this request": (
        ask(max_age=0),
        session(age=20),
        {"parked": parked(signed_in="s")},
        Issue,
    ),
    "max_age=0 in a first-party app, which stores no request": (
        ask(max_age=0),
        session(age=20),
        {"just_signed_in": True},
        Issue,
    ),
    "a slow person under max_age=1 is not asked for ever": (
        ask(max_age=1),
        session(age=20),
        {"parked": parked(signed_in="s")},
        Issue,
    ),
    "the longest max_age": (ask(max_age=9_999_999_999), session(), {}, Issue),
    # prompt=create (Initiating User Registration section 4.1)
    "no user is signed in, and an account is wanted": (ask(prompt=frozenset({"create"})), None, {}, SignUp),
    "somebody is, and another account is wanted": (ask(prompt=frozenset({"create"})), session(), {}, SignUp),
    "they signed in to the account they made": (
        ask(prompt=frozenset({"create"})),
        session(),
        {"parked": parked(signed_in="s")},
        Issue,
    ),
    "then they are asked for consent": (
        ask(prompt=frozenset({"create", "consent"})),
        session(),
        {"parked": parked(signed_in="s")},
        AskConsent,
    ),
    # id_token_hint
    "the hint names who is here": (ask(expected_user_id=ADA), session(), {}, Issue),
    "the hint names somebody else": (ask(expected_user_id="bob"), session(), {}, LogIn),
    "and still somebody else signed in": (
        ask(expected_user_id="bob"),
        session(),
        {"parked": parked(signed_in="s")},
        Refuse,
    ),
    # prompt=select_account
    "select_account asks": (ask(prompt=frozenset({"select_account"})), session(), {}, SelectAccount),
    "select_account is answered by choosing": (
        ask(prompt=frozenset({"select_account"})),
        session(),
        {"parked": parked(chosen="s")},
        Issue,
    ),
    "choosing another session is no answer": (
        ask(prompt=frozenset({"select_account"})),
        session(),
        {"parked": parked(chosen="other")},
        SelectAccount,
    ),
    "select_account is answered by signing in": (
        ask(prompt=frozenset({"select_account"})),
        session(),
        {"parked": parked(signed_in="s")},
        Issue,
    ),
    # acr_values (OIDC Core section 3.1.2.1, RFC 9470 section 4)
    "aal2 with one factor shown and two registered": (
        ask(acr_values=("aal2",)),
        session(),
        {"reachable": "aal2"},
        StepUp,
    ),
    "aal2 with both shown": (
        ask(acr_values=("aal2",)),
        session(amr="pwd otp mfa"),
        {"reachable": "aal2"},
        Issue,
    ),
    "aal2, voluntary, without a second factor": (ask(acr_values=("aal2",)), session(), {}, Issue),
    "aal2, essential, without a second factor": (ask(acr_values=("aal2",), acr_essential=True), session(), {}, Refuse),
    "aal1 is satisfied by aal2": (ask(acr_values=("aal1",)), session(amr="pwd otp mfa"), {}, Issue),
    "one of several is enough": (
        ask(acr_values=("aal2", "aal1")),
        session(),
        {"reachable": "aal2"},
        Issue,
    ),
    "levels nobody knows do not ask for a factor": (
        ask(acr_values=("1", "2")),
        session(),
        {"reachable": "aal2"},
        Issue,
    ),
    "levels nobody knows do not ask for ever": (
        ask(acr_values=("1",)),
        session(amr="pwd otp mfa"),
        {"reachable": "aal2"},
        Issue,
    ),
    "an essential level nobody knows": (
        ask(acr_values=("1",), acr_essential=True),
        session(amr="pwd otp mfa"),
        {"reachable": "aal2"},
        Refuse,
    ),
    # phr (OpenID Connect EAP ACR Values 1.0 section 4)
    "phr with a code shown and a passkey registered": (
        ask(acr_values=("phr",)),
        session(amr="pwd otp mfa"),
        {"reachable": "phr"},
        StepUp,
    ),
    "phr with a passkey shown": (ask(acr_values=("phr",)), session(amr="hwk user mfa"), {"reachable": "phr"}, Issue),
    "phr, voluntary, without a passkey": (
        ask(acr_values=("phr",)),
        session(amr="pwd otp mfa"),
        {"reachable": "aal2"},
        Issue,
    ),
    "phr, essential, without a passkey": (
        ask(acr_values=("phr",), acr_essential=True),
        session(amr="pwd otp mfa"),
        {"reachable": "aal2"},
        Refuse,
    ),
    # what operators require
    "required, and shown": (ask(), session(amr="pwd otp mfa"), {"reachable": "aal2", "required": "aal2"}, Issue),
    "required, and set up": (ask(), session(), {"reachable": "aal2", "required": "aal2"}, StepUp),
    "required, and not set up": (ask(), session(), {"required": "aal2"}, SetUp),
    "a passkey is required of a user with an app": (
        ask(),
        session(amr="pwd otp mfa"),
        {"reachable": "aal2", "required": "phr"},
        SetUp,
    ),
    "an app cannot ask for less than is required": (
        ask(acr_values=("aal1",)),
        session(),
        {"reachable": "aal2", "required": "aal2"},
        StepUp,
    ),
    "an essential level can be reached by what is required": (
        ask(acr_values=("phr",), acr_essential=True),
        session(),
        {"required": "phr"},
        SetUp,
    ),
    "nothing is set up on the way to an essential level out of reach": (
        ask(acr_values=("phr",), acr_essential=True),
        session(),
        {"required": "aal2"},
        Refuse,
    ),
    # consent
    "nothing was allowed yet": (ask(), session(), {"consent": None}, AskConsent),
    "more is asked for": (ask(scope=("openid", "phone")), session(), {}, AskConsent),
    "less is asked for": (ask(scope=("email",)), session(), {}, Issue),
    "a single claim more": (ask(claims=RequestedClaims(userinfo=("name",))), session(), {}, AskConsent),
    "a first-party app need not ask": (ask(client=FIRST_PARTY), session(), {"consent": None}, Issue),
    "prompt=consent asks in any case": (
        ask(client=FIRST_PARTY, prompt=frozenset({"consent"})),
        session(),
        {},
        AskConsent,
    ),
    "the person just allowed it": (
        ask(prompt=frozenset({"consent"})),
        session(),
        {"parked": parked(consented=ADA), "consent": None},
        Issue,
    ),
    "somebody else allowed it": (
        ask(prompt=frozenset({"consent"})),
        session(),
        {"parked": parked(consented="bob")},
        AskConsent,
    ),
    # order
    "first the sign-in, then the consent": (ask(prompt=frozenset({"login", "consent"})), session(), {}, LogIn),
    "first the account, then the factor": (
        ask(prompt=frozenset({"select_account"}), acr_values=("aal2",)),
        session(),
        {"reachable": "aal2"},
        SelectAccount,
    ),
    "first the factor, then the consent": (
        ask(acr_values=("aal2",)),
        session(),
        {"reachable": "aal2", "consent": None},
        StepUp,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_next_step(case: str) -> None:
    """OIDC Core sections 3.1.2.1 to 3.1.2.4."""
    request, who, known, expected = CASES[case]
    assert isinstance(step(request, who, **known), expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("no user is signed in", "login_required"),
        ("prompt=login asks again", "login_required"),
        ("select_account asks", "account_selection_required"),
        ("aal2 with one factor shown and two registered", "interaction_required"),
        ("nothing was allowed yet", "consent_required"),
        ("aal2, essential, without a second factor", "unmet_authentication_requirements"),
    ],
)
def test_under_prompt_none_the_step_is_an_error(case: str, error: str) -> None:
    """OIDC Core section 3.1.2.6."""
    request, who, known, _ = CASES[case]
    found = step(request, who, **known)  # type: ignore[arg-type]
    assert found.error.error == error  # type: ignore[attr-defined]


def test_prompt_login_asks_a_signed_in_user_again() -> None:
    """OIDC Core section 3.1.2.1."""
    again = LogIn("the user must sign in again (prompt=login)", again=True)
    assert step(ask(prompt=frozenset({"login"})), session()) == again


def test_one_step_up_asks_for_the_stricter_of_what_is_required_and_asked_for() -> None:
    request = ask(acr_values=("phr",))
    assert step(request, session(), reachable="phr", required="aal2") == StepUp("phr")
    assert step(request, session(), reachable="aal2", required="aal2") == StepUp("aal2")
    assert step(ask(), session(), reachable="phr", required="aal2") == StepUp("aal2")
