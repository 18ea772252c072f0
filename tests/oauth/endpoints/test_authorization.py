"""The authorization endpoint with a person at the browser: what is asked of them, when, and what comes of it."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from provider.accounts import suspension
from provider.database.security_stamp import FIRST
from provider.oauth.authorize import parked_requests
from provider.oauth.clients import clients
from provider.sessions import lifecycle
from provider.work import Installation
from tests.oauth.conftest import Person, Register, Unchanged
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import AUTHORIZE, ISSUER, RelyingParty, plant_cookie, sign_in_person


@pytest.fixture
def bob(work: Work) -> str:
    with work() as w:
        return make_user(w, "bob@example.test", name="Bob")


# Nobody is signed in


def test_a_signed_out_user_signs_in_and_returns_to_the_request(
    rp: RelyingParty, person: Person, ada: str, installation: Installation
) -> None:
    """OIDC Core section 3.1.2.3; decision 67."""
    browser = person()
    answer = rp.ask(browser)
    assert answer.page == "/login"
    assert set(answer.parameters) == {"client_id", "request_uri"}
    sign_in_person(browser, installation, ada)
    back = rp.resume(browser, answer)
    assert back.parameters["state"] == answer.asked["state"]
    assert rp.verify(rp.redeem(back))["sub"] == ada


def test_the_way_to_the_sign_in_page_carries_no_parameter_of_the_request(rp: RelyingParty, person: Person) -> None:
    """RFC 9700 section 4.2: state and the rest stay out of URLs of pages; A-31."""
    answer = rp.ask(person(), state="sssssecret", nonce="nnnnnonce")
    assert "sssssecret" not in answer.location
    assert "nnnnnonce" not in answer.location


def test_reloading_before_the_sign_in_is_finished_works(rp: RelyingParty, person: Person) -> None:
    """RFC 9126 section 7.3: the same request_uri opened twice; A-79."""
    browser = person()
    answer = rp.ask(browser)
    for _ in range(2):
        assert rp.resume(browser, answer).location == answer.location


@pytest.mark.both_databases
def test_a_request_is_finished_once(
    rp: RelyingParty, person: Person, ada: str, installation: Installation, unchanged: Unchanged
) -> None:
    """RFC 9126 section 7.3; A-79: after completion the handle is dead."""
    browser = person()
    answer = rp.ask(browser)
    sign_in_person(browser, installation, ada)
    assert rp.resume(browser, answer).code
    with unchanged():
        response = rp.resume(browser, answer).response
    assert response.status_code == 400
    assert "location" not in response.headers


@pytest.mark.both_databases
def test_a_waiting_request_expires(rp: RelyingParty, browser: WatchedClient, person: Person, clock: Clock) -> None:
    """A-79."""
    other = person()
    answer = rp.ask(other)
    clock.advance(hours=1)
    assert rp.resume(other, answer).response.status_code == 400


@pytest.mark.parametrize("handle", ["x", "\x00", "x" * 300, "' OR 1=1", "", "ä"])
def test_a_made_up_handle_gets_a_page(browser: WatchedClient, unchanged: Unchanged, handle: str) -> None:
    """RFC 9126 section 2.3; A-79."""
    uri = "urn:ietf:params:oauth:request_uri:" + handle
    with unchanged():
        response = browser.get(AUTHORIZE, params={"request_uri": uri})
    assert response.status_code == 400
    assert "location" not in response.headers


def test_what_one_browser_did_does_not_count_in_another(
    rp: RelyingParty, register: Register, person: Person, ada: str, bob: str, installation: Installation
) -> None:
    """A waiting request is bound to its browser: a handle sent to a victim begins anew there."""
    attacker, victim = person(), person(ada)
    answer = rp.ask(attacker, prompt="login")
    sign_in_person(attacker, installation, bob, answering=answer.request_uri)
    elsewhere = rp.resume(victim, answer)
    assert elsewhere.page == "/login"
    assert elsewhere.request_uri != answer.request_uri
    assert rp.verify(rp.redeem(rp.resume(attacker, answer)))["sub"] == bob


def test_an_unverified_or_ended_session_is_not_signed_in(
    rp: RelyingParty, person: Person, work: Work, installation: Installation
) -> None:
    """A-106: prompt=none gives nothing either."""
    with work() as w:
        carol = make_user(w, "carol@example.test", verified=False)
    browser = person(carol)
    assert rp.ask(browser).page == "/login"
    assert rp.ask(browser, prompt="none").error == "login_required"


def test_a_forged_session_cookie_is_not_signed_in(rp: RelyingParty, person: Person, installation: Installation) -> None:
    """A-47."""
    for value in ("x", "x" * 43, "x" * 4000, "'; --", "\\"):
        browser = person()
        plant_cookie(browser, installation, value)
        assert rp.ask(browser, prompt="none").error == "login_required"


def test_a_cookie_without_the_host_prefix_is_ignored(
    rp: RelyingParty, person: Person, ada: str, installation: Installation
) -> None:
    """A-47: a sibling host could have set it."""
    value = sign_in_person(person(), installation, ada)
    browser = person()
    browser.cookies.set("signet", value)
    assert rp.ask(browser, prompt="none").error == "login_required"


def test_a_session_without_its_second_factor_is_not_signed_in(
    rp: RelyingParty, person: Person, ada: str, work: Work, installation: Installation
) -> None:
    """A-69: it is good for nothing but finishing."""
    with work() as w:
        cookie = lifecycle.open_session(w, user_id=ada, security_stamp=FIRST, factor="pwd", pending="totp")
    browser = person()
    plant_cookie(browser, installation, cookie)
    assert rp.ask(browser).page == "/login"
    assert rp.ask(browser, prompt="none").error == "login_required"


def test_a_session_ends_when_nobody_uses_it(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """SIGNET_SESSION_IDLE_LIFETIME: an hour, counted from the last use."""
    for _ in range(3):
        clock.advance(minutes=50)
        assert rp.ask(browser, prompt="none").code
    clock.advance(minutes=61)
    assert rp.ask(browser, prompt="none").error == "login_required"


def test_a_session_ends_after_a_day_however_much_it_is_used(
    rp: RelyingParty, browser: WatchedClient, clock: Clock
) -> None:
    """SIGNET_SESSION_ABSOLUTE_LIFETIME."""
    for _ in range(28):
        clock.advance(minutes=50)
        assert rp.ask(browser, prompt="none").code
    clock.advance(minutes=40)
    assert rp.ask(browser, prompt="none").error == "login_required"


# POST


def test_a_form_post_from_another_site_is_a_request_like_any_other(
    rp: RelyingParty, browser: WatchedClient, person: Person, ada: str
) -> None:
    """OIDC Core section 3.1.2.1; oidcc-ensure-post-request-succeeds: no CSRF failure, no cookies (SameSite=Lax)."""
    parameters, verifier = rp.request()
    response = person().post(AUTHORIZE, data=parameters, headers={"origin": "https://app.example.test"})
    assert response.status_code == 303
    location = urlsplit(response.headers["location"])
    assert location.path == AUTHORIZE
    answer = rp.ask_by_post(browser)
    again = browser.get(answer.location)
    parameters = dict(parse_qsl(urlsplit(again.headers["location"]).query))
    assert parameters["state"] == answer.asked["state"]
    tokens = rp.redeem(answer, code=parameters["code"])
    assert rp.verify(tokens)["sub"] == ada
    assert verifier


def test_a_posted_request_is_checked_before_it_is_kept(rp: RelyingParty, person: Person, unchanged: Unchanged) -> None:
    """A-17: PKCE by POST too."""
    with unchanged():
        assert rp.ask_by_post(person(), code_challenge=None).error == "invalid_request"
        assert rp.ask_by_post(person(), redirect_uri="https://evil.test/").response.status_code == 400


@in_one_world("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", None])
def test_a_body_that_is_no_form_is_no_request(
    rp: RelyingParty, person: Person, unchanged: Unchanged, content_type: str | None
) -> None:
    """OIDC Core section 3.1.2.1; A-90."""
    parameters, _ = rp.request()
    body = str(httpx2.QueryParams(parameters)).encode()
    with unchanged():
        headers = {"content-type": content_type} if content_type else {}
        assert person().post(AUTHORIZE, content=body, headers=headers).status_code == 400


def test_parameters_of_the_query_do_not_count_in_a_post(rp: RelyingParty, person: Person) -> None:
    """RFC 6749 section 3.1: one place or the other."""
    parameters, _ = rp.request()
    form = {name: value for name, value in parameters.items() if name != "client_id"}
    response = person().post(AUTHORIZE, params={"client_id": rp.client_id}, data=form)
    assert response.status_code == 400


# What changes while a request waits


def test_a_client_disabled_meanwhile_gets_nothing(
    rp: RelyingParty, person: Person, ada: str, installation: Installation, work: Work
) -> None:
    """A-26."""
    browser = person()
    answer = rp.ask(browser)
    with work() as w:
        clients.disable(w, rp.client_id)
    sign_in_person(browser, installation, ada)
    response = rp.resume(browser, answer).response
    assert response.status_code == 400
    assert "location" not in response.headers


def test_a_redirect_uri_unregistered_meanwhile_is_not_redirected_to(
    rp: RelyingParty, person: Person, ada: str, installation: Installation, work: Work
) -> None:
    """RFC 9700 section 2.1."""
    browser = person()
    answer = rp.ask(browser)
    with work() as w:
        changed = replace(rp.client.metadata, redirect_uris=("https://elsewhere.example.test/cb",))
        clients.update_client(w, rp.client_id, changed)
    sign_in_person(browser, installation, ada)
    response = rp.resume(browser, answer).response
    assert response.status_code == 400
    assert "location" not in response.headers


def test_a_suspended_user_is_signed_out_immediately(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock
) -> None:
    """A-105: the session is dead on the next request, and restoring revives nothing."""
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    assert rp.ask(browser, prompt="none").error == "login_required"
    with work() as w:
        suspension.restore(w, user_id=ada)
    clock.advance(seconds=1)
    assert rp.ask(browser, prompt="none").error == "login_required"


# Cancel


def test_cancelling_returns_to_the_app(rp: RelyingParty, person: Person) -> None:
    """RFC 6749 section 4.1.2.1."""
    browser = person()
    answer = rp.ask(browser)
    response = _cancel(browser, answer.request_uri)
    parameters = dict(parse_qsl(urlsplit(response.headers["location"]).query))
    assert (parameters["error"], parameters["state"]) == ("access_denied", answer.asked["state"])
    assert parameters["iss"] == ISSUER
    assert rp.resume(browser, answer).response.status_code == 400, "the request is done with"


def test_another_site_cannot_cancel(rp: RelyingParty, person: Person, unchanged: Unchanged) -> None:
    """A-49."""
    browser = person()
    answer = rp.ask(browser)
    with unchanged():
        response = browser.post(f"{AUTHORIZE}/cancel", params={"request_uri": answer.request_uri})
    assert response.status_code == 403


def test_another_browser_cannot_cancel(
    rp: RelyingParty, person: Person, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """A waiting request belongs to its browser."""
    answer = rp.ask(person())
    other = person()
    rp.ask(other)
    with unchanged():
        assert _cancel(other, answer.request_uri).status_code == 400


def test_in_another_browser_a_request_begins_anew(rp: RelyingParty, person: Person) -> None:
    """N-569: one that was not pushed stays with the browser that sent it, whoever has a link to it."""
    first, other = person(), person()
    answer = rp.ask(first)
    rp.ask(other)
    assert rp.resume(other, answer).request_uri != answer.request_uri
    assert rp.resume(first, answer).request_uri == answer.request_uri


def test_cancelling_for_a_client_disabled_meanwhile_gets_a_page(rp: RelyingParty, person: Person, work: Work) -> None:
    browser = person()
    answer = rp.ask(browser)
    with work() as w:
        clients.disable(w, rp.client_id)
    response = _cancel(browser, answer.request_uri)
    assert response.status_code == 400
    assert "location" not in response.headers


def _cancel(browser: WatchedClient, request_uri: str) -> httpx2.Response:
    token = csrf_of(browser)
    asked, form = {"request_uri": request_uri}, {"csrf_token": token}
    return browser.post(f"{AUTHORIZE}/cancel", params=asked, data=form, headers={"origin": ISSUER})


def test_what_waits_is_what_was_asked(rp: RelyingParty, person: Person, work: Work) -> None:
    """Decision 67: nothing known is lost on the way, and nothing unknown is kept."""
    known = {"response_mode": "query", "login_hint": "ada", "ui_locales": "en", "display": "page", "claims": "{}"}
    answer = rp.ask(person(), **known, prompt="login", max_age="5", acr_values="aal1", claims_locales="en", extra="x")
    with work() as w:
        parked = parked_requests.find(w, answer.request_uri)
    assert parked is not None
    assert parked.parameters == {name: value for name, value in answer.asked.items() if name != "extra"}
