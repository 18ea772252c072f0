"""The overview and the security page: how an account is protected, with one action for each part."""

from collections.abc import Callable

import pytest

from provider.accounts import known_devices
from provider.accounts.checkup import RECENT, check_up
from provider.accounts.factors import recovery_codes
from provider.accounts.store import passwords
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import is_signed_in, sign_in, turn_on_two_factor

SECTIONS = ("Overview", "Profile", "Security", "Devices & sessions", "Apps", "Activity", "Your data")


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w, name="Ada")
    sign_in(browser)
    return user_id


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_the_navigation_and_a_way_to_sign_out(browser: Browser, ada: str, section: str) -> None:
    browser.open("/account")
    page = browser.follow(section)
    assert page.status == 200
    assert page.html.count('aria-current="page"') == 1
    assert all(each in page.links for each in SECTIONS)
    browser.submit(action="/sign-out")
    assert not is_signed_in(browser)


def test_the_pages_below_security_are_linked_from_it_and_mark_it(browser: Browser, ada: str) -> None:
    links = browser.open("/account/security").links
    assert (links["Change password"], links["Turn on"]) == ("/account/password", "/account/two-factor")
    for path in ("/account/password", "/account/two-factor"):
        assert 'href="/account/security" aria-current="page"' in browser.open(path).html


def test_two_factor_and_few_recovery_codes_are_shown(browser: Browser, ada: str, work: Work, clock: Clock) -> None:
    for path in ("/account", "/account/security"):
        page = browser.open(path)
        assert "Off. Anyone who knows your password can sign in." in page.text
        assert "codes left" not in page.text
    turn_on_two_factor(browser, clock.now)
    assert "10 codes left Create new codes" in browser.open("/account/security").text
    with work() as w:
        codes = recovery_codes.replace_codes(w, ada)
        for code in codes[recovery_codes.FEW :]:
            recovery_codes.use_code(w, ada, code)
    for path in ("/account", "/account/security"):
        page = browser.open(path)
        assert "On. You sign in with your password and a code." in page.text
        assert f"{recovery_codes.FEW} codes left. Create new ones before you run out." in page.text


def test_the_age_of_the_password_is_shown_and_its_absence_too(
    browser: Browser, ada: str, work: Work, clock: Clock
) -> None:
    clock.advance(minutes=5)
    assert "Last changed 5 minutes ago" in browser.open("/account/security").text
    assert 'title="' in browser.page.html  # type: ignore[union-attr]
    with work() as w:
        passwords.remove(w.db, ada)
    page = browser.open("/account/security")
    assert "Your account has no password yet. Set password" in page.text


def test_other_devices_are_new_for_thirty_days(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, clock: Clock
) -> None:
    assert "No other device is new." in browser.open("/account").text
    other = new_browser()
    sign_in(other)
    page = browser.open("/account")
    assert "Signed in on 2 devices. 1 other device signed in for the first time in the last 30 days." in page.text
    assert page.links["Check devices"] == "/account/sessions"
    clock.advance(seconds=RECENT.total_seconds() + 1)
    sign_in(browser)
    assert "No other device is new." in browser.open("/account").text


@pytest.mark.both_databases
def test_a_device_of_another_user_is_not_counted(work: Work) -> None:
    with work() as w:
        ada, eve = make_user(w, "ada@example.test"), make_user(w, "eve@example.test")
        value = known_devices.remember(w, user_id=ada, value=None)
        known_devices.remember(w, user_id=eve, value=None)
    with work() as w:
        assert check_up(w, user_id=ada, device=value).new_devices == 0
        assert check_up(w, user_id=ada, device=None).new_devices == 1
        assert check_up(w, user_id=ada, device="another").new_devices == 1
