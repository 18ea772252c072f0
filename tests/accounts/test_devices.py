"""Where am I signed in; sign out there."""

from collections.abc import Callable

import pytest

from tests.support.browser import Browser
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import find_user, is_signed_in, sign_in

pytestmark = pytest.mark.also_on_postgresql


@pytest.fixture
def other(browser: Browser, new_browser: Callable[[], Browser], work: Work) -> Browser:
    """Ada is signed in at `browser` and here."""
    with work() as w:
        make_user(w)
    other = new_browser()
    sign_in(other)
    sign_in(browser)
    return other


def test_the_list_names_devices_and_marks_this_one(browser: Browser, other: Browser) -> None:
    page = browser.open("/account/sessions")
    assert page.text.count("This device") == 1
    assert page.text.count("Last used") == 2
    assert page.text.count("Your usual network") == 2


def test_one_other_device_is_signed_out(browser: Browser, other: Browser) -> None:
    """Replaces: limits, sessions, headers, validation, log."""
    browser.open("/account/sessions")
    browser.submit(button="Sign out")
    assert is_signed_in(browser)
    assert not is_signed_in(other)


def test_all_other_devices_are_signed_out(browser: Browser, other: Browser) -> None:
    browser.open("/account/sessions")
    browser.submit(button="Sign out all other devices")
    assert is_signed_in(browser)
    assert not is_signed_in(other)


def test_signing_out_everywhere_includes_this_device_and_the_apps(browser: Browser, other: Browser, work: Work) -> None:
    browser.open("/account/sessions")
    assert browser.submit(button="Sign out everywhere").path == "/signed-out"
    assert not is_signed_in(browser)
    assert not is_signed_in(other)
    assert find_user(work).not_before is not None


def test_nobody_ends_a_session_of_somebody_else(
    browser: Browser, other: Browser, new_browser: Callable[[], Browser], work: Work
) -> None:
    with work() as w:
        make_user(w, "eve@example.test")
        session_id = w.read.exec_driver_sql("SELECT id FROM sessions WHERE ended_at IS NULL").scalar()
    eve, third = new_browser(), new_browser()
    sign_in(third, "eve@example.test")
    sign_in(eve, "eve@example.test")
    eve.open("/account/sessions")
    eve.submit({"session": str(session_id)}, button="Sign out")
    assert is_signed_in(browser)
    assert is_signed_in(other)
