"""Create new recovery codes."""

from collections.abc import Callable

import pytest

from provider.accounts.factors import recovery_codes
from provider.accounts.store import failures
from provider.accounts.throttle import SECOND_FACTOR
from provider.audit import store as events
from provider.audit.events import Event
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, find_user, recovery_codes_on, sign_in, turn_on_two_factor

pytestmark = pytest.mark.both_databases


@pytest.fixture
def codes(browser: Browser, work: Work, clock: Clock) -> list[str]:
    with work() as w:
        make_user(w)
    sign_in(browser)
    return turn_on_two_factor(browser, clock.now)[1]


def test_new_codes_replace_the_old_ones(
    browser: Browser, new_browser: Callable[[], Browser], codes: list[str], inbox: Inbox
) -> None:
    """A-72. Replaces: recovery codes."""
    assert "10 recovery codes left" in browser.open("/account/recovery-codes").text
    fresh = recovery_codes_on(browser.submit(button="Create 10 new codes"))
    assert len(set(fresh)) == 10
    assert set(fresh).isdisjoint(codes)
    assert inbox.latest(ADDRESS).subject == "New recovery codes for your Signet account"
    other = new_browser()
    sign_in(other)
    other.follow("Lost your device?")
    assert other.submit({"code": codes[0]}).status == 400
    assert other.submit({"code": fresh[0]}).path == "/account"
    assert "9 codes left" in other.page.text if other.page else False


def test_a_used_code_is_told_from_a_wrong_one(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, codes: list[str]
) -> None:
    """To its owner, after the first factor, and in the audit event. Replaces: recovery codes."""
    user_id = find_user(work).id
    with work() as w:
        assert recovery_codes.use_code(w, user_id, codes[0].upper())
        assert [recovery_codes.find_state(w, user_id, code) for code in (*codes[:2], "x")] == [
            "spent",
            "unspent",
            None,
        ]
    other = new_browser()
    sign_in(other)
    other.follow("Lost your device?")
    for code, answer in ((codes[0], "You already used this code."), ("aaaa" * 4, "That recovery code is wrong.")):
        page = other.submit({"code": code})
        assert page.status == 400
        assert answer in page.text
    with work() as w:
        failed = [event.details for event in events.find(w.read, names=[Event.SECOND_FACTOR_FAILED])]
        assert failures.find_failures(w.read, SECOND_FACTOR.kind, user_id) == 2
    assert failed == [{"method": "recovery", "reason": "wrong"}, {"method": "recovery", "reason": "used"}]
    assert "Already used code entered" in browser.open("/account/activity").text


def test_a_stale_session_signs_in_again_first(browser: Browser, codes: list[str], clock: Clock) -> None:
    """A-74."""
    clock.advance(minutes=16)
    assert browser.open("/account/recovery-codes").path == "/login"


def test_without_two_factor_sign_in_there_are_none(browser: Browser, work: Work) -> None:
    with work() as w:
        make_user(w)
    sign_in(browser)
    assert browser.open("/account/recovery-codes").path == "/account/two-factor"
