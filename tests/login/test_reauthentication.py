"""The page for a user who is signed in and must sign in again: as whom, why, and as somebody else."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS, is_signed_in, sign_in, turn_on_two_factor
from tests.support.relying_party import authorization_url

OTHER = "grace@example.test"
TITLE = "Confirm it's you"
OLD = "You signed in more than 15 minutes ago."


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        make_user(w, OTHER)
        return make_user(w, roles=("admin",))


@pytest.fixture
def authorize(work: Work) -> Callable[..., str]:
    with work() as w:
        client, _ = make_client(w)

    def url(**asked: str) -> str:
        return authorization_url(client, **asked)

    return url


def is_asked_again(page: Page) -> bool:
    """The page names the user, and the address cannot be typed."""
    field = page.form("password").find("username")
    assert field is not None
    assert (field.value, "readonly" in page.html) == (ADDRESS, True)
    return page.heading == TITLE and ADDRESS in page.text


@pytest.mark.parametrize(
    ("path", "purpose"),
    [
        ("/account/two-factor", "to manage two-factor authentication"),
        ("/account/email", "to change your email address"),
        ("/account/recovery-codes", "to create recovery codes"),
        ("/admin", "to open the console"),
        ("/admin/users?q=ada", "to open the console"),
    ],
)
def test_a_page_that_needs_a_recent_sign_in_says_why(
    browser: Browser, ada: str, clock: Clock, path: str, purpose: str
) -> None:
    sign_in(browser)
    clock.advance(minutes=15, seconds=1)
    page = browser.open(path)
    assert page.path == "/login"
    assert is_asked_again(page)
    assert f"{OLD} Sign in again {purpose}." in page.text
    page = browser.submit({"password": PASSWORD})
    assert page.path in {path.partition("?")[0], "/login/second-factor", "/account/two-factor"}


def test_an_app_that_asks_for_a_new_sign_in_is_named(
    browser: Browser, ada: str, authorize: Callable[..., str], clock: Clock
) -> None:
    """OIDC Core section 3.1.2.1: prompt=login and max_age."""
    sign_in(browser)
    for asked in ({"prompt": "login"}, {"max_age": "60"}):
        clock.advance(minutes=2)
        page = browser.open(authorize(**asked))
        assert is_asked_again(page)
        assert "Example app (app.example.test) asks you to sign in again." in page.text
        assert OLD not in page.text
        assert browser.submit({"password": PASSWORD}).path == "/consent"


def test_the_session_goes_on_after_the_password(browser: Browser, ada: str, clock: Clock) -> None:
    sign_in(browser)
    clock.advance(minutes=16)
    browser.open("/account/email")
    assert browser.submit({"password": "wrong password"}).status == 400
    page = browser.page
    assert page is not None
    assert is_asked_again(page)
    assert "Wrong password. Try again." in page.text
    assert "email address or password" not in page.text
    assert browser.submit({"password": PASSWORD}).path == "/account/email"


def test_somebody_else_can_sign_in(browser: Browser, ada: str, authorize: Callable[..., str]) -> None:
    sign_in(browser)
    browser.open(authorize(prompt="login"))
    page = browser.follow("Not you?")
    assert page.heading == "Sign in"
    assert parse_qs(urlsplit(page.url).query)["prompt"] == ["select_account"]
    assert f'value="{ADDRESS}"' not in page.html
    page = browser.submit({"username": OTHER, "password": PASSWORD})
    assert (page.path, f"Signed in as {OTHER}" in page.text) == ("/consent", True)


def test_an_app_that_expects_another_user_gets_the_page_for_anyone(
    browser: Browser, ada: str, authorize: Callable[..., str]
) -> None:
    """OIDC Core section 3.1.2.1: login_hint. For the same user, however it is written, it is "Confirm it's you"."""
    sign_in(browser)
    assert is_asked_again(browser.open(authorize(prompt="login", login_hint=ADDRESS.upper())))
    page = browser.open(authorize(prompt="login", login_hint=OTHER))
    assert (page.heading, f'value="{OTHER}"' in page.html) == ("Sign in", True)


def test_a_changed_address_in_the_form_is_an_ordinary_sign_in(browser: Browser, ada: str) -> None:
    """The address on the page is no proof of anything: the password decides who is signed in."""
    sign_in(browser)
    browser.open("/login?prompt=login")
    page = browser.submit({"username": OTHER, "password": "wrong password"})
    assert (page.status, page.heading) == (400, "Sign in")
    browser.open("/login?prompt=login")
    browser.submit({"username": OTHER, "password": PASSWORD})
    assert OTHER in browser.open("/account").text


def test_nobody_who_is_signed_out_is_named(browser: Browser, ada: str) -> None:
    """A-61: the page names whoever this browser is signed in as, and nobody else."""
    sign_in(browser)
    browser.open("/account")
    browser.submit(action="/sign-out")
    page = browser.open("/login?prompt=login")
    assert (page.heading, ADDRESS in page.html) == ("Sign in", False)


def test_a_second_factor_follows_and_says_who_needs_it(
    browser: Browser, ada: str, authorize: Callable[..., str], clock: Clock
) -> None:
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=16)
    browser.open("/admin")
    page = browser.submit({"password": PASSWORD})
    assert page.path == "/login/second-factor"
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("path", "reason"), [("app", "Example app (app.example.test) requires"), ("/admin", "The console requires")]
)
def test_a_set_up_that_is_required_says_by_what(
    browser: Browser, ada: str, authorize: Callable[..., str], path: str, reason: str
) -> None:
    sign_in(browser)
    page = browser.open(authorize(acr_values="aal2") if path == "app" else path)
    if path == "app":  # an acr that nobody asks for strictly does not stop the sign-in
        page = browser.open(f"/account/two-factor?{urlsplit(page.url).query}")
    assert page.path == "/account/two-factor"
    assert f"{reason} two-factor authentication." in page.text
