"""A sign-in that an application asked for: named on every page, carried through all of them, with a way back."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from provider.accounts import deletion, suspension
from provider.audit import store as audit
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, REDIRECT_URI, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, sign_in, turn_on_two_factor

APP = "https://app.example.test"


@pytest.fixture
def authorize(work: Work) -> str:
    """The URL to which the application sends a person."""
    with work() as w:
        client, _ = make_client(w)
    parameters = {
        "client_id": client.client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": "openid",
        "state": "the state",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return f"/oauth2/authorize?{urlencode(parameters)}"


def form_action(browser: Browser) -> str:
    assert browser.page is not None
    policy = browser.page.response.headers["content-security-policy"]
    return next(part for part in policy.split("; ") if part.startswith("form-action"))


def test_the_page_names_the_app_and_its_forms_may_end_there(browser: Browser, authorize: str) -> None:
    page = browser.open(authorize)
    assert page.path == "/login"
    assert "Sign in to continue to Example app (app.example.test)" in page.text
    assert APP in form_action(browser)
    browser.submit({"username": ADDRESS, "password": "wrong"})
    assert APP in form_action(browser)


def test_a_person_may_cancel_and_go_back_to_the_app(browser: Browser, authorize: str) -> None:
    browser.open(authorize)
    browser.submit(button="Cancel and go back")
    assert browser.left_to is not None
    assert browser.left_to.startswith(REDIRECT_URI)
    answer = parse_qs(urlsplit(browser.left_to).query)
    assert answer["error"] == ["access_denied"]
    assert answer["state"] == ["the state"]


def test_a_login_hint_is_filled_in_as_text(browser: Browser, authorize: str) -> None:
    """A-95."""
    hint = '"><svg onload=alert(1)>'
    page = browser.open(f"{authorize}&{urlencode({'login_hint': hint})}")
    assert page.path == "/login"
    assert "<svg onload" not in page.html
    field = page.form("username").find("username")
    assert field is not None
    assert field.value == hint


def test_a_sign_up_leads_to_the_app_in_the_end(browser: Browser, authorize: str, inbox: Inbox) -> None:
    browser.open(authorize)
    browser.follow("Create an account")
    browser.submit({"email": ADDRESS, "password": PASSWORD})
    browser.open(inbox.latest(ADDRESS).link)
    page = browser.submit(button="Confirm")
    assert "Example app" in page.text
    assert page.path == "/consent"


def test_an_app_may_ask_for_a_sign_up(browser: Browser, authorize: str, inbox: Inbox) -> None:
    """Initiating User Registration section 4.1: the request is kept through letter and sign-in."""
    page = browser.open(f"{authorize}&prompt=create")
    assert page.path == "/signup"
    assert "Example app" in page.text
    assert APP in form_action(browser)
    browser.submit({"email": ADDRESS, "password": PASSWORD})
    browser.open(inbox.latest(ADDRESS).link)
    page = browser.submit(button="Confirm")
    assert page.path == "/consent"
    assert ADDRESS in page.text


def test_somebody_else_who_is_signed_in_is_in_nobodys_way(
    browser: Browser, authorize: str, inbox: Inbox, work: Work, clock: Clock
) -> None:
    """Initiating User Registration section 4.1: another account, at the browser where one is in use."""
    with work() as w:
        make_user(w, "bob@example.test")
    sign_in(browser, "bob@example.test")
    clock.advance(minutes=5)
    assert browser.open(f"{authorize}&prompt=create").path == "/signup"
    browser.submit({"email": ADDRESS, "password": PASSWORD})
    browser.open(inbox.latest(ADDRESS).link)
    page = browser.submit(button="Confirm")
    assert page.path == "/consent"
    assert ADDRESS in page.text


def test_who_was_sent_to_sign_up_may_have_an_account_or_no_wish_for_one(
    browser: Browser, authorize: str, work: Work
) -> None:
    """Never a dead end."""
    with work() as w:
        make_user(w)
    browser.open(f"{authorize}&prompt=create")
    browser.follow("Already have an account")
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == "/consent"
    browser.open("/account")
    browser.submit(button="Sign out")
    browser.open(f"{authorize}&prompt=create")
    browser.submit(button="Cancel and go back")
    assert browser.left_to is not None
    assert "error=access_denied" in browser.left_to


def test_a_forgotten_password_leads_to_the_app_in_the_end(
    browser: Browser, authorize: str, inbox: Inbox, work: Work
) -> None:
    with work() as w:
        make_user(w)
    browser.open(authorize)
    browser.follow("Forgot password?")
    browser.submit({"email": ADDRESS})
    browser.open(inbox.latest(ADDRESS).link)
    browser.submit({"password": "a brand new password"})
    browser.follow("Sign in")
    assert browser.submit({"username": ADDRESS, "password": "a brand new password"}).path == "/consent"


def test_the_second_factor_is_on_the_way(browser: Browser, authorize: str, work: Work, clock: Clock) -> None:
    """A-69: between password and code there is no way past."""
    with work() as w:
        make_user(w)
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    browser.open("/account")
    browser.submit(button="Sign out")
    clock.advance(minutes=1)
    browser.open(authorize)
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.path == "/login/second-factor"
    assert "Example app" in page.text
    assert APP in form_action(browser)
    assert browser.open(authorize).path in {"/login", "/login/second-factor"}
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/consent"


def test_the_audit_log_names_the_app_that_waits_for_a_sign_in(
    browser: Browser, authorize: str, work: Work, clock: Clock
) -> None:
    with work() as w:
        make_user(w)
    browser.open(authorize)
    browser.submit({"username": ADDRESS, "password": "wrong password"})
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    key, _ = turn_on_two_factor(browser, clock.now)
    browser.open("/account")
    browser.submit(button="Sign out")
    clock.advance(minutes=1)
    browser.open(authorize)
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    browser.submit({"code": code_of(key, clock.now)})
    with work() as w:
        app = parse_qs(urlsplit(authorize).query)["client_id"][0]
        found = [(event.name, "amr" in event.details) for event in audit.find(w.read, client_id=app)]
    assert [each for each in reversed(found) if each[0].startswith("session.sign")] == [
        ("session.sign_in.failed", False),
        ("session.signed_in", True),
        ("session.signed_in", False),
    ]


def test_somebody_else_may_sign_up_where_a_person_is_signed_in(
    browser: Browser, authorize: str, inbox: Inbox, work: Work
) -> None:
    with work() as w:
        make_user(w)
    sign_in(browser)
    browser.open(f"{authorize}&prompt=select_account")
    browser.submit(button="Use a different account")
    assert browser.follow("Create an account").path == "/signup"
    browser.submit({"email": "eve@example.test", "password": PASSWORD})
    page = browser.submit({"code": inbox.latest("eve@example.test").code})
    assert page.path == "/consent"
    assert "Signed in as eve@example.test" in page.text


def test_a_new_password_is_for_its_own_account_whoever_is_signed_in(
    browser: Browser, authorize: str, inbox: Inbox, work: Work
) -> None:
    with work() as w:
        make_user(w)
        make_user(w, "eve@example.test")
    browser.open(authorize)
    browser.follow("Forgot password?")
    browser.submit({"email": ADDRESS})
    sign_in(browser, "eve@example.test")
    browser.open(inbox.latest(ADDRESS).link)
    browser.submit({"password": "a brand new password"})
    browser.follow("Sign in")
    page = browser.submit({"username": ADDRESS, "password": "a brand new password"})
    assert f"Signed in as {ADDRESS}" in page.text


def test_whoever_keeps_the_account_goes_on_to_the_app(browser: Browser, authorize: str, work: Work) -> None:
    with work() as w:
        deletion.request_deletion(w, user_id=make_user(w))
    browser.open(authorize)
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).status == 403
    browser.submit(button="Keep my account")
    browser.follow("Sign in")
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == "/consent"


def test_whose_account_is_suspended_may_go_on_with_another_one(browser: Browser, authorize: str, work: Work) -> None:
    with work() as w:
        suspension.suspend(w, user_id=make_user(w), reason=None)
        make_user(w, "eve@example.test")
    browser.open(authorize)
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    browser.follow("Sign in with a different account")
    assert browser.submit({"username": "eve@example.test", "password": PASSWORD}).path == "/consent"


def test_a_cancelled_page_that_has_expired_leads_back_to_the_request(browser: Browser, authorize: str) -> None:
    browser.open(authorize)
    browser.cookies.clear()
    assert browser.submit(button="Cancel and go back").status == 403
    page = browser.follow("Continue")
    assert page.path == "/login"
    assert "Example app" in page.text
    browser.submit(button="Cancel and go back")
    assert browser.left_to is not None
