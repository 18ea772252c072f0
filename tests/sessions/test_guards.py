"""What stands before a page leads to the sign-in and back to that page."""

from collections.abc import Callable

import pytest

from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, sign_in, turn_on_two_factor


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def test_a_visitor_comes_back_to_the_page_with_its_query(browser: Browser, ada: str) -> None:
    page = browser.open("/account/two-factor?return_to=/account/sessions")
    assert page.path == "/login"
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.path == "/account/two-factor"
    assert "return_to=/account/sessions" in page.url


def test_a_stale_session_is_asked_for_the_password_again(browser: Browser, ada: str, clock: Clock) -> None:
    """ASVS v5.0.0-7.5.1."""
    sign_in(browser)
    clock.advance(minutes=15)
    assert browser.open("/account/two-factor").path == "/account/two-factor"
    clock.advance(seconds=1)
    page = browser.open("/account/two-factor")
    assert page.path == "/login"
    assert f'value="{ADDRESS}"' in page.html
    assert browser.submit({"password": PASSWORD}).path == "/account/two-factor"


def test_after_a_form_the_way_back_is_the_page_it_was_on(browser: Browser, ada: str, clock: Clock) -> None:
    sign_in(browser)
    browser.open("/account/two-factor")
    clock.advance(minutes=16)
    assert browser.submit(button="Turn on").path == "/login"
    assert browser.submit({"password": PASSWORD}).path == "/account/two-factor"


def test_a_page_of_two_factors_asks_for_the_second(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, clock: Clock, work: Work
) -> None:
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=16)
    page = browser.open("/account/recovery-codes")
    assert page.path == "/login"
    page = browser.submit({"password": PASSWORD})
    assert page.path == "/login/second-factor"
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account/recovery-codes"
