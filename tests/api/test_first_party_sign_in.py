"""The authorization challenge endpoint (draft-ietf-oauth-first-party-apps): sign-in inside a first-party app."""

from collections.abc import Callable

import pytest

from provider.accounts import suspension
from provider.audit import store as audit
from provider.oauth.clients.metadata import InvalidMetadata
from tests.api.conftest import CHALLENGE, VERIFIER, App, Caller, turn_on_two_factor
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, sign_in
from tests.support.relying_party import challenge_of

NEW = "another quiet afternoon"


def test_a_password_becomes_a_code_and_the_code_tokens(app_of_ours: App, ada: str) -> None:
    """Section 5.1; RFC 6749 section 4.1.3 as always."""
    answer = app_of_ours.challenge(nonce="n")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == {"authorization_code"}
    assert "set-cookie" not in answer.headers
    tokens = app_of_ours.redeem(answer)
    assert tokens["scope"] == "openid profile email offline_access account"
    assert tokens["refresh_token"]
    assert tokens["id_token"]
    assert app_of_ours.challenge(max_age="0").status_code == 200, "this is a new sign-in (OIDC Core section 3.1.2.1)"


def test_a_wrong_password_and_an_unknown_address_answer_alike(app_of_ours: App, ada: str) -> None:
    """A-61."""
    answers = [
        app_of_ours.challenge(password="Wrong password"),
        app_of_ours.challenge(username="nobody@example.test"),
        app_of_ours.challenge(username="no address"),
        app_of_ours.challenge(password="x" * 10_000),
    ]
    bodies = [{**answer.json(), "error_id": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert {answer.status_code for answer in answers} == {400}
    assert {tuple(answer.headers.keys()) for answer in answers} == {tuple(answers[0].headers.keys())}
    assert bodies[0]["error"] == "access_denied"


def test_suspension_is_told_after_the_right_password_only(app_of_ours: App, ada: str, work: Work) -> None:
    """A-105."""
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    wrong = app_of_ours.challenge(password="wrong").json()
    right = app_of_ours.challenge().json()
    assert wrong["error"] == right["error"] == "access_denied"
    assert "suspended" not in wrong["error_description"]
    assert "suspended" in right["error_description"]


def test_who_may_not_sign_in_to_the_app_gets_no_code(register_app: Callable[..., App], ada: str) -> None:
    """N-269: RFC 6749 section 4.1.2.1, after the right password only."""
    app = register_app(allowed_groups=("staff",))
    wrong, right = app.challenge(password="wrong").json(), app.challenge().json()
    assert wrong["error"] == right["error"] == "access_denied"
    assert "groups" not in wrong["error_description"]
    assert "none of the groups" in right["error_description"]
    elsewhere = register_app(allowed_networks=("192.0.2.0/24",)).challenge().json()
    assert elsewhere["error"] == "access_denied"
    assert "network" in elsewhere["error_description"]


def test_guessing_waits_as_on_the_page(app_of_ours: App, browser: Browser, ada: str, unlimited: None) -> None:
    """A-62: one counter for the page and the endpoint."""
    for _ in range(5):
        app_of_ours.challenge(password="wrong")
    waits = app_of_ours.challenge()
    assert waits.status_code == 429
    assert waits.json()["error"] == "temporarily_unavailable"
    assert int(waits.headers["retry-after"]) > 0
    assert sign_in(browser).status == 429


def test_the_second_factor_comes_second(app_of_ours: App, as_ada: Caller, clock: Clock) -> None:
    key, _ = turn_on_two_factor(as_ada, clock)
    clock.advance(minutes=1)
    first = app_of_ours.challenge()
    assert first.status_code == 403
    body = first.json()
    assert body["error"] == "insufficient_authorization"
    assert body["expires_in"] == 300
    assert "authorization_code" not in body
    wrong = app_of_ours.challenge(auth_session=body["auth_session"], otp="000000")
    assert wrong.status_code == 403
    assert wrong.json()["auth_session"] == body["auth_session"]
    arabic = code_of(key, clock.now).translate({48 + digit: 0x0660 + digit for digit in range(10)})
    done = app_of_ours.challenge(auth_session=body["auth_session"], otp=f"{arabic[:3]} {arabic[3:]}.")
    access_token = app_of_ours.redeem(done)["access_token"]
    claims = app_of_ours.rp.introspect(access_token)
    assert claims["acr"] == "aal2"


def test_an_auth_session_dies_with_its_first_success(app_of_ours: App, as_ada: Caller, clock: Clock) -> None:
    _, codes = turn_on_two_factor(as_ada, clock)
    handle = app_of_ours.challenge().json()["auth_session"]
    assert app_of_ours.challenge(auth_session=handle, recovery_code=codes[0]).status_code == 200
    again = app_of_ours.challenge(auth_session=handle, recovery_code=codes[1])
    assert again.json()["error"] == "invalid_session"
    assert as_ada.get("/recovery-codes") == {"left": 9}


def test_a_recovery_code_works_once(app_of_ours: App, as_ada: Caller, clock: Clock) -> None:
    """A-72."""
    _, codes = turn_on_two_factor(as_ada, clock)
    handle = app_of_ours.challenge().json()["auth_session"]
    app_of_ours.challenge(auth_session=handle, recovery_code=codes[0])
    other = app_of_ours.challenge().json()["auth_session"]
    refused = app_of_ours.challenge(auth_session=other, recovery_code=codes[0])
    assert refused.json()["error"] == "insufficient_authorization"


def test_an_auth_session_lives_five_minutes(app_of_ours: App, as_ada: Caller, clock: Clock) -> None:
    _, codes = turn_on_two_factor(as_ada, clock)
    handle = app_of_ours.challenge().json()["auth_session"]
    clock.advance(minutes=5)
    refused = app_of_ours.challenge(auth_session=handle, recovery_code=codes[0])
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_session"


def test_five_wrong_codes_end_it(app_of_ours: App, as_ada: Caller, clock: Clock, unlimited: None) -> None:
    """A-66."""
    key, _ = turn_on_two_factor(as_ada, clock)
    clock.advance(minutes=1)
    handle = app_of_ours.challenge().json()["auth_session"]
    errors = [app_of_ours.challenge(auth_session=handle, otp="000000").json()["error"] for _ in range(5)]
    assert errors == ["insufficient_authorization"] * 4 + ["invalid_session"]
    late = app_of_ours.challenge(auth_session=handle, otp=code_of(key, clock.now))
    assert late.json()["error"] == "invalid_session"


def test_an_auth_session_is_good_for_nothing_else(
    app_of_ours: App, as_ada: Caller, new_browser: Callable[[], Browser], clock: Clock
) -> None:
    """A-69: neither a token, a cookie nor a code; and a browser's pending sign-in is no auth_session.

    Replaces: sign-in in two steps.
    """
    key, _ = turn_on_two_factor(as_ada, clock)
    handle = app_of_ours.challenge().json()["auth_session"]
    assert Caller(as_ada.http, handle)("GET", "/sessions").status_code == 401
    token = app_of_ours.rp.post("/oauth2/token", grant_type="authorization_code", code=handle, code_verifier=VERIFIER)
    assert token.json()["error"] == "invalid_grant"
    browser = new_browser()
    browser.cookies.set("__Host-signet", handle, domain="id.example.test", path="/")
    assert browser.open("/account").path == "/login"
    pending = new_browser()
    assert sign_in(pending).path == "/login/second-factor"
    cookie = pending.cookies["__Host-signet"]
    clock.advance(minutes=1)
    refused = app_of_ours.challenge(auth_session=cookie, otp=code_of(key, clock.now))
    assert refused.json()["error"] == "invalid_session"


def test_an_auth_session_belongs_to_one_client(
    app_of_ours: App, register_app: Callable[..., App], as_ada: Caller, clock: Clock
) -> None:
    _, codes = turn_on_two_factor(as_ada, clock)
    handle = app_of_ours.challenge().json()["auth_session"]
    refused = register_app().challenge(auth_session=handle, recovery_code=codes[0])
    assert refused.json()["error"] == "invalid_session"


def test_what_the_code_stands_for_was_said_at_the_beginning(app_of_ours: App, as_ada: Caller, clock: Clock) -> None:
    """A follow-up changes neither scope nor challenge (RFC 7636)."""
    _, codes = turn_on_two_factor(as_ada, clock)
    handle = app_of_ours.challenge(scope="openid").json()["auth_session"]
    done = app_of_ours.challenge(
        auth_session=handle,
        recovery_code=codes[0],
        scope="openid account",
        code_challenge=challenge_of("w" * 43),
        code_challenge_method="S256",
    )
    assert app_of_ours.redeem(done)["scope"] == "openid"


@in_one_world(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"username": None}, "invalid_request"),
        ({"password": None}, "invalid_request"),
        ({"scope": "openid phone"}, "invalid_scope"),
        ({"redirect_uri": "https://evil.test/"}, "invalid_request"),
        ({"auth_session": "x", "otp": "000000"}, "invalid_session"),
        ({"auth_session": "é.\x00", "otp": "000000"}, "invalid_session"),
        ({"client_secret": "not the secret"}, "invalid_request"),
    ],
)
def test_a_request_that_is_not_right_is_refused(
    app_of_ours: App, ada: str, changes: dict[str, str | None], error: str
) -> None:
    """RFC 7636 section 4.4.1: PKCE, always S256."""
    assert app_of_ours.challenge(**changes).json()["error"] == error


def test_pkce_is_needed_even_when_the_client_may_do_without(register_app: Callable[..., App], ada: str) -> None:
    app = register_app(require_pkce=False)
    refused = app.challenge(code_challenge=None, code_challenge_method=None)
    assert refused.json()["error"] == "invalid_request"


def test_a_redirect_uri_that_was_given_is_compared(app_of_ours: App, ada: str) -> None:
    """RFC 6749 section 4.1.3."""
    uri = app_of_ours.rp.client.metadata.redirect_uris[0]
    code = app_of_ours.challenge(redirect_uri=uri).json()["authorization_code"]
    given = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    assert app_of_ours.rp.post("/oauth2/token", **given).json()["error"] == "invalid_grant"
    assert app_of_ours.rp.post("/oauth2/token", **given, redirect_uri=uri).status_code == 200


def test_it_is_off_unless_an_operator_turned_it_on(register_app: Callable[..., App], ada: str) -> None:
    refused = register_app(authorization_challenge=False).challenge()
    assert refused.status_code == 400
    assert refused.json()["error"] == "unauthorized_client"


def test_only_first_party_clients_can_be_registered_for_it(register_app: Callable[..., App]) -> None:
    with pytest.raises(InvalidMetadata, match="first_party"):
        register_app(first_party=False)
    with pytest.raises(InvalidMetadata, match="authorization_code"):
        register_app(grant_types=("client_credentials",))


def test_a_public_app_names_itself(register_app: Callable[..., App], ada: str) -> None:
    """Section 1: native apps."""
    app = register_app(public=True)
    assert app.redeem(app.challenge())["access_token"]


def test_an_unproven_client_gets_nowhere(app_of_ours: App, ada: str) -> None:
    answer = app_of_ours.http.post(CHALLENGE, data={"client_id": app_of_ours.rp.client_id, "username": "a"})
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_a_level_only_a_browser_can_reach_leads_there(app_of_ours: App, ada: str) -> None:
    claims = '{"id_token":{"acr":{"essential":true,"value":"aal2"}}}'
    refused = app_of_ours.challenge(claims=claims)
    assert refused.status_code == 400
    assert refused.json()["error"] == "redirect_to_web"


def test_the_password_grant_stays_unsupported(app_of_ours: App, ada: str) -> None:
    """RFC 9700 section 2.4."""
    answer = app_of_ours.rp.post("/oauth2/token", grant_type="password", username="a", password="b")
    assert answer.json()["error"] == "unsupported_grant_type"


def test_discovery_says_where_it_is(app_of_ours: App) -> None:
    metadata = app_of_ours.http.get("/.well-known/oauth-authorization-server").json()
    assert metadata["authorization_challenge_endpoint"] == "https://id.example.test" + CHALLENGE


def test_the_same_events_as_on_the_page(app_of_ours: App, ada: str, work: Work) -> None:
    app_of_ours.challenge(password="wrong")
    app_of_ours.challenge()
    with work() as w:
        names = [event.name for event in audit.find(w.read, user_id=ada)]
    assert "session.sign_in.failed" in names
    assert "session.signed_in" in names


def test_the_browser_of_the_person_stays_as_it_was(app_of_ours: App, browser: Browser, ada: str, clock: Clock) -> None:
    sign_in(browser)
    before = browser.cookies["__Host-signet"]
    app_of_ours.challenge()
    assert browser.open("/account").path == "/account"
    assert browser.cookies["__Host-signet"] == before


@pytest.mark.parametrize("end", ["suspended", "reset", "changed"])
def test_nothing_begun_before_outlives_the_end_of_the_credentials(
    app_of_ours: App, as_ada: Caller, clock: Clock, work: Work, inbox: Inbox, ada: str, end: str
) -> None:
    """A-84, A-105: pending sign-ins, codes nobody redeemed, tokens; and a restored account revives none of them."""
    _, codes = turn_on_two_factor(as_ada, clock)
    pending = app_of_ours.challenge().json()["auth_session"]
    finished = app_of_ours.challenge(auth_session=pending, recovery_code=codes[0]).json()
    pending = app_of_ours.challenge().json()["auth_session"]
    if end == "suspended":
        with work() as w:
            suspension.suspend(w, user_id=ada, reason=None)
        with work() as w:
            suspension.restore(w, user_id=ada)
    elif end == "reset":
        app_of_ours.call("/forgot-password", email=ADDRESS)
        token = inbox.latest(ADDRESS).link.partition("token=")[2]
        assert app_of_ours.call("/reset-password", token=token, password=NEW).status_code == 204
    else:
        changed = as_ada("PUT", "/password", current_password=PASSWORD, new_password=NEW)
        assert changed.status_code == 204, changed.text
    late = app_of_ours.challenge(auth_session=pending, recovery_code=codes[1])
    assert late.json()["error"] == "invalid_session"
    code = {"grant_type": "authorization_code", "code": finished["authorization_code"], "code_verifier": VERIFIER}
    assert app_of_ours.rp.post("/oauth2/token", **code).json()["error"] == "invalid_grant"
    assert as_ada("GET", "/sessions").status_code == 401


def test_what_operators_require_and_the_app_cannot_ask_for_leads_to_a_browser(
    register_app: Callable[..., App], ada: str
) -> None:
    """First-Party Applications section 5.2.2.1.1, redirect_to_web."""
    answer = register_app(required_factor="passkey").challenge()
    assert answer.json()["error"] == "redirect_to_web"
    assert "auth_session" not in answer.json()
