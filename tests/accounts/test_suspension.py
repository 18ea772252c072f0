"""Suspend and restore: everything ends at once, nothing comes back."""

from collections.abc import Callable

import pytest

from provider.accounts import suspension
from provider.accounts.store.users import Status
from provider.accounts.users import NoSuchUser
from provider.audit import store as audit
from provider.database.base import new_id
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import code_of, find_user, is_signed_in, sign_in, turn_on_two_factor


def test_suspension_ends_sessions_and_pending_sign_ins_for_good(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, clock: Clock
) -> None:
    """A-105, ASVS v5.0.0-7.4.2. Replaces: inactive until verified, refused when suspended."""
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=1)
    waiting = new_browser()
    form = sign_in(waiting)
    with work() as w:
        suspension.suspend(w, user_id=user_id, reason="abuse")
    assert not is_signed_in(browser)
    waiting.page = form
    assert waiting.submit({"code": code_of(key, clock.now)}).path == "/login"
    clock.advance(minutes=1)
    with work() as w:
        suspension.restore(w, user_id=user_id)
    assert not is_signed_in(browser)
    assert not is_signed_in(waiting)
    sign_in(browser)
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account"
    with work() as w:
        names = [event.name for event in audit.find(w.read, user_id=user_id)]
    assert {"account.suspended", "account.restored"} <= set(names)


def test_an_unconfirmed_account_is_restored_unconfirmed(work: Work) -> None:
    with work() as w:
        user_id = make_user(w, verified=False)
    with work() as w:
        suspension.suspend(w, user_id=user_id, reason=None)
    with work() as w:
        suspension.restore(w, user_id=user_id)
    assert find_user(work).status == Status.INACTIVE


@pytest.mark.both_databases
def test_doing_it_twice_changes_nothing_and_nobody_is_an_error(work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
    for act in (suspension.restore, lambda w, user_id: suspension.suspend(w, user_id=user_id, reason=None)):
        for _ in range(2):
            with work() as w:
                act(w, user_id=user_id)
        with work() as w, pytest.raises(NoSuchUser):
            act(w, user_id=new_id())
    with work() as w:
        assert len([event for event in audit.find(w.read, user_id=user_id) if event.name == "account.suspended"]) == 1
