"""A request that expires, or is finished in another tab, while a form is open: what was typed counts, and the user is
led back to the app to start again (OIDC Core section 4).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from provider.oauth.authorize.store import authorization_requests
from provider.oauth.clients import clients, registration
from provider.oauth.clients.metadata import ClientMetadata
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, REDIRECT_URI, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work
from tests.support.people import ADDRESS, code_of, is_signed_in, key_on, sign_in, turn_on_two_factor
from tests.support.relying_party import authorization_url

START = "https://shop.example.test/begin?from=signet"
HOME = "https://app.example.test/"
GONE = "This sign-in has expired"
Open = Callable[..., str]


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def app_with(work: Work) -> Open:
    """The URL to which an app with this metadata sends a user."""

    def register(*, asked: str = "", stranger: bool = False, **metadata: Any) -> str:
        with work() as w:
            if stranger:
                given: dict[str, Any] = {"client_name": "Example app", "redirect_uris": (REDIRECT_URI,), **metadata}
                client = registration.register(w, ClientMetadata(**given)).client
            else:
                client, _ = make_client(w, **metadata)
        return authorization_url(client, redirect_uri=REDIRECT_URI) + asked

    return register


@pytest.fixture
def expire(work: Work, clock: Clock) -> Callable[[], None]:
    """The time of every waiting request passes, and the worker deletes them."""

    def act() -> None:
        clock.advance(hours=2)
        with work() as w:
            assert authorization_requests.purge(w.db, before=w.now, limit=10) > 0

    return act


def is_start_of_the_app(browser: Browser) -> bool:
    """Whether the browser was sent to the app as OIDC Core section 4 says: with the issuer, and with its own query."""
    url = urlsplit(browser.left_to or "")
    at_the_app = f"{url.scheme}://{url.netloc}{url.path}" == "https://shop.example.test/begin"
    return at_the_app and parse_qs(url.query) == {"from": ["signet"], "iss": [ISSUER]}


def allows_forms_to(page: Page, source: str) -> bool:
    policy = page.response.headers["content-security-policy"]
    return source in next(part for part in policy.split("; ") if part.startswith("form-action")).split()


# What is open when it expires


def test_a_sign_in_after_the_request_expired_counts_and_leads_to_where_the_app_starts(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None]
) -> None:
    page = browser.open(app_with(initiate_login_uri=START))
    assert allows_forms_to(page, "https://shop.example.test"), "Chromium stops a form that is redirected elsewhere"
    expire()
    browser.submit({"username": ADDRESS, "password": "wrong"})
    assert browser.page is not None
    assert "Sign in to continue to Example app" in browser.page.text
    assert allows_forms_to(browser.page, "https://shop.example.test")
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert is_start_of_the_app(browser), browser.page
    assert is_signed_in(browser)


@pytest.mark.parametrize(("metadata", "link"), [({"client_uri": HOME}, HOME), ({}, None)])
def test_without_a_page_to_start_from_a_page_names_the_app(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None], metadata: dict[str, str], link: str | None
) -> None:
    browser.open(app_with(**metadata))
    expire()
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert (page.status, page.heading) == (200, GONE)
    assert "Go back to Example app (app.example.test) and start again. You are signed in." in page.text
    assert page.links.get("Continue to Example app") == link


def test_the_second_factor_is_still_asked_for(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None], clock: Clock
) -> None:
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    browser.open("/account")
    browser.submit(button="Sign out")
    browser.open(app_with(initiate_login_uri=START))
    expire()
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.path == "/login/second-factor"
    browser.submit({"code": code_of(key, clock.now)})
    assert is_start_of_the_app(browser)


def test_a_second_factor_that_is_set_up_on_the_way_leads_to_the_app_too(
    browser: Browser, app_with: Open, ada: str, clock: Clock
) -> None:
    page = browser.open(app_with(initiate_login_uri=START))
    on_the_way = urlsplit(page.url).query
    clock.advance(minutes=55)
    sign_in(browser)
    browser.open(f"/account/two-factor?{on_the_way}")
    key = key_on(browser.submit(button="Turn on"))
    clock.advance(minutes=6)
    browser.submit({"code": code_of(key, clock.now)})
    browser.follow("I've saved these codes")
    assert is_start_of_the_app(browser)


def test_a_link_in_an_email_opened_the_next_day_in_another_browser_leads_to_the_app(
    browser: Browser,
    new_browser: Callable[[], Browser],
    app_with: Open,
    inbox: Inbox,
    work: Work,
    clock: Clock,
) -> None:
    browser.open(app_with(initiate_login_uri=START))
    browser.follow("Create an account")
    browser.submit({"email": ADDRESS, "password": PASSWORD})
    clock.advance(hours=20)
    with work() as w:
        authorization_requests.purge(w.db, before=w.now, limit=10)
    elsewhere = new_browser()
    elsewhere.open(inbox.latest(ADDRESS).link)
    elsewhere.submit({"password": PASSWORD}, button="Confirm")
    assert is_start_of_the_app(elsewhere), elsewhere.page


def test_a_new_password_leads_to_the_app(
    browser: Browser, app_with: Open, ada: str, inbox: Inbox, expire: Callable[[], None], clock: Clock
) -> None:
    browser.open(app_with(initiate_login_uri=START))
    browser.follow("Forgot password?")
    clock.advance(minutes=50)
    browser.submit({"email": ADDRESS})
    clock.advance(minutes=15)
    browser.open(inbox.latest(ADDRESS).link)
    browser.submit({"password": "a brand new password"})
    browser.follow("Sign in")
    browser.submit({"username": ADDRESS, "password": "a brand new password"})
    assert is_start_of_the_app(browser)


@pytest.mark.parametrize("button", ["Allow", "Deny"])
def test_an_answer_to_an_expired_question_names_the_app(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None], button: str
) -> None:
    sign_in(browser)
    page = browser.open(app_with(initiate_login_uri=START))
    assert page.path == "/consent"
    expire()
    page = browser.submit(button=button)
    assert (page.status, page.heading) == (400, GONE)
    assert page.links["Continue to Example app"].startswith(START)


def test_the_account_chooser_and_cancel_name_the_app_too(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None]
) -> None:
    url = app_with(initiate_login_uri=START)
    browser.open(url)
    expire()
    page = browser.submit(button="Cancel and go back")
    assert (page.status, page.heading) == (400, GONE)
    assert "You are signed in" not in page.text
    assert page.links["Continue to Example app"].startswith(START)
    sign_in(browser)
    assert browser.open(f"{url}&prompt=select_account").path == "/select-account"
    expire()
    page = browser.submit(button=ADDRESS)
    assert (page.status, page.heading) == (400, GONE)
    assert "Example app" in page.text


# Nobody is sent where the app did not register a page, or back and forth


def test_only_registered_pages_are_led_to(browser: Browser, app_with: Open, ada: str, work: Work) -> None:
    """RFC 9700 section 4.11: no open redirect, whatever stands in the address."""
    sign_in(browser)
    for client_id in ("", "unknown", "\x00", "x" * 300, "https://evil.test/"):
        page = browser.open(f"/start-again?{urlencode({'client_id': client_id, 'initiate_login_uri': START})}")
        assert (page.status, browser.left_to) == (400, None)
        assert "evil" not in page.html
    client_id = parse_qs(urlsplit(app_with(initiate_login_uri=START)).query)["client_id"][0]
    browser.open(f"/start-again?client_id={client_id}&initiate_login_uri=https://evil.test/")
    assert is_start_of_the_app(browser)
    with work() as w:
        clients.disable(w, client_id)
    assert browser.open(f"/start-again?client_id={client_id}").status == 400
    assert browser.left_to is None


@pytest.mark.parametrize("uri", [START, "https://app.example.test/begin"])
def test_an_app_that_registered_itself_gets_nobody_without_a_question(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None], uri: str
) -> None:
    browser.open(app_with(stranger=True, initiate_login_uri=uri, client_uri=uri))
    expire()
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.heading == GONE
    assert "reviewed" in page.text
    assert ("Continue to Example app" in page.links) == uri.startswith("https://app.example.test/")


def test_the_button_of_an_app_that_registered_itself_leads_to_the_host_that_the_page_names(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None]
) -> None:
    other = "https://other.example.test/callback"
    browser.open(app_with(stranger=True, redirect_uris=(REDIRECT_URI, other), client_uri="https://other.example.test/"))
    expire()
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.heading == GONE
    assert "app.example.test" in page.text
    assert "Continue to Example app" not in page.links


def test_an_app_whose_start_and_callback_have_different_origins_is_reached(
    browser: Browser, app_with: Open, expire: Callable[[], None]
) -> None:
    """The browser checks each redirect after the form: the start of the app, and from there its redirect URI."""
    url = app_with(initiate_login_uri=START)
    expire_at_once = browser.open(url).url
    expire()
    page = browser.open(expire_at_once)
    assert allows_forms_to(page, "https://shop.example.test")
    assert allows_forms_to(page, "https://app.example.test")


def test_an_app_that_sends_expired_requests_is_never_in_a_loop(
    browser: Browser, app_with: Open, ada: str, expire: Callable[[], None]
) -> None:
    """RFC 9126 section 4: an app that kept an old request_uri would be sent it back for ever."""
    page = browser.open(app_with(initiate_login_uri=START))
    expire()
    sign_in(browser)
    page = browser.open(f"/oauth2/authorize?{urlsplit(page.url).query}")
    assert (page.status, page.heading, browser.left_to) == (400, GONE, None)


# Two tabs


def test_a_sign_in_form_still_works_after_a_sign_in_in_another_tab(browser: Browser, app_with: Open, ada: str) -> None:
    url, other = app_with(), browser.new_tab()
    browser.open(url)
    other.open(url)
    assert other.submit({"username": ADDRESS, "password": PASSWORD}).path == "/consent"
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == "/consent"
    assert other.submit(button="Allow").path == "/consent", "the question again: the session has another identifier"
    other.submit(button="Allow")
    assert (other.left_to or "").startswith(REDIRECT_URI)


def test_reloading_a_sign_in_form_goes_on_after_a_sign_in_in_another_tab(
    browser: Browser, app_with: Open, ada: str
) -> None:
    url, other = app_with(), browser.new_tab()
    browser.open(url)
    sign_in(other)
    assert browser.reload().path == "/consent"


def test_who_types_another_account_gets_it(browser: Browser, app_with: Open, ada: str, work: Work) -> None:
    """The account of the other tab is never used in its place."""
    with work() as w:
        make_user(w, "bob@example.test")
    other = browser.new_tab()
    browser.open(app_with())
    sign_in(other)
    page = browser.submit({"username": "bob@example.test", "password": "wrong"})
    assert (page.path, page.status) == ("/login", 400)
    page = browser.submit({"username": "bob@example.test", "password": PASSWORD})
    assert page.path == "/consent"
    assert "bob@example.test" in page.text


def test_a_request_for_a_new_sign_in_gets_one(browser: Browser, app_with: Open, ada: str, clock: Clock) -> None:
    """OIDC Core section 3.1.2.1: prompt=login. An older sign-in in another tab does not count."""
    other = browser.new_tab()
    sign_in(other)
    clock.advance(minutes=5)
    assert browser.open(app_with(asked="&prompt=login")).path == "/login"
    other.open("/account")
    assert browser.reload().path == "/login"
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == "/consent"


def test_a_second_factor_shown_in_one_tab_lets_the_other_go_on(
    browser: Browser, app_with: Open, ada: str, clock: Clock
) -> None:
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    browser.open("/account")
    browser.submit(button="Sign out")
    clock.advance(minutes=1)
    browser.open(app_with())
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    other = browser.new_tab()
    other.open(page.url)
    assert other.submit({"code": code_of(key, clock.now)}).path == "/consent"
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/consent"


def test_a_question_for_one_account_is_not_answered_as_another(
    browser: Browser, app_with: Open, ada: str, work: Work
) -> None:
    """Consent that is outstanding is asked of whoever is signed in now."""
    with work() as w:
        make_user(w, "bob@example.test")
    sign_in(browser)
    browser.open(app_with())
    sign_in(browser.new_tab(), "bob@example.test")
    page = browser.submit(button="Allow")
    assert page.path == "/consent"
    assert "bob@example.test" in page.text


def test_a_form_finished_in_another_tab_leads_to_the_app(browser: Browser, app_with: Open, ada: str) -> None:
    browser.open(app_with(initiate_login_uri=START, first_party=True))
    other = browser.new_tab()
    assert browser.page is not None
    other.open(browser.page.url)
    other.submit({"username": ADDRESS, "password": PASSWORD})
    assert (other.left_to or "").startswith(REDIRECT_URI)
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert is_start_of_the_app(browser)
