"""Taking one's data along, deleting the account, and thinking better of it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from provider.accounts import deletion, suspension
from provider.accounts.store.users import Status
from provider.accounts.users import find_user
from provider.audit.events import Event
from provider.audit.store import audit_events
from provider.tables import metadata
from provider.work import Installation
from provider.worker.jobs import purge
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, forgot_password, is_signed_in, sign_in, turn_on_two_factor

pytestmark = pytest.mark.also_on_postgresql

NEW = "a brand new and long password"


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w, name="Ada")
    sign_in(browser)
    return user_id


def delete(browser: Browser) -> Page:
    browser.open("/account/delete")
    return browser.submit({"sure": "on"})


@pytest.mark.both_databases
def test_everything_ends_at_once_and_the_owner_is_told(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, work: Work, clock: Clock
) -> None:
    other = new_browser()
    sign_in(other)
    forgot_password(new_browser())
    link = inbox.latest(ADDRESS).link
    clock.advance(minutes=1)
    assert delete(browser).title.startswith("Your account will be deleted")
    assert not is_signed_in(browser)
    assert not is_signed_in(other)
    assert new_browser().open(link).status == 410
    letter = inbox.latest(ADDRESS)
    assert f"{clock.now + timedelta(days=14):%-d %B %Y}" in letter.subject
    with work() as w:
        user = find_user(w, ADDRESS)
        assert user is not None
        assert (user.status, user.not_before) == (Status.LEAVING, clock.now)


def test_a_tick_is_needed(browser: Browser, ada: str) -> None:
    browser.open("/account/delete")
    page = browser.submit(button="Delete account")
    assert page.status == 400
    assert page.title.startswith("Error: ")
    assert is_signed_in(browser)


def test_the_owner_signs_in_and_keeps_the_account(browser: Browser, inbox: Inbox, ada: str, clock: Clock) -> None:
    delete(browser)
    clock.advance(days=13)
    assert sign_in(browser, password="a wrong guess").text.count("will be deleted") == 0
    page = sign_in(browser)
    assert page.status == 403
    assert "will be deleted" in page.title
    assert not is_signed_in(browser)
    browser.page = page
    assert browser.submit(button="Keep my account").title.startswith("Your account won't be deleted")
    assert "will not be deleted" in inbox.latest(ADDRESS).subject
    assert not is_signed_in(browser)
    assert sign_in(browser).path == "/account"
    browser.page = page
    assert browser.submit(button="Keep my account").path in {"/login", "/account", "/keep-account"}


def test_a_forgotten_password_does_not_keep_anybody_from_keeping(
    browser: Browser, inbox: Inbox, ada: str, unlimited: None
) -> None:
    delete(browser)
    forgot_password(browser)
    browser.open(inbox.latest(ADDRESS).link)
    assert browser.submit({"password": NEW}).title.startswith("Your new password is set")
    assert "will be deleted" in sign_in(browser, password=NEW).title


@pytest.mark.both_databases
def test_after_the_grace_it_is_gone_with_everything(
    browser: Browser, inbox: Inbox, ada: str, work: Work, clock: Clock, installation: Installation
) -> None:
    delete(browser)
    clock.advance(days=13, hours=23)
    assert purge(installation)["accounts to delete"] == 0
    clock.advance(hours=2)
    assert purge(installation)["accounts to delete"] == 1
    assert "was deleted" in inbox.latest(ADDRESS).subject
    assert sign_in(browser).status == 400
    with work() as w:
        assert find_user(w, ADDRESS) is None
        for table in metadata.tables.values():
            if "user_id" in table.c and table is not audit_events:
                assert w.read.execute(table.select()).all() == [], table.name
        names = [row.name for row in w.read.execute(audit_events.select())]
    assert Event.ACCOUNT_DELETED in names


@pytest.mark.both_databases
def test_a_kept_or_suspended_account_is_not_purged(
    browser: Browser, ada: str, work: Work, clock: Clock, installation: Installation
) -> None:
    delete(browser)
    with work() as w:
        suspension.suspend(w, user_id=ada, reason="abuse")
    clock.advance(days=15)
    with work() as w:
        suspension.restore(w, user_id=ada)
    assert purge(installation)["accounts to delete"] == 0
    assert sign_in(browser).path == "/account"


def test_a_ticket_is_good_for_its_account_and_a_while(work: Work, ada: str, clock: Clock) -> None:
    with work() as w:
        deletion.request_deletion(w, user_id=ada)
        ticket = deletion.seal_ticket(w, ada)
    for wrong in (None, "", "x", ticket[:-2]):
        with work() as w, pytest.raises(deletion.DeletionNotPending):
            deletion.keep(w, ticket=wrong)
    clock.advance(minutes=16)
    with work() as w, pytest.raises(deletion.DeletionNotPending):
        deletion.keep(w, ticket=ticket)


@pytest.mark.parametrize("path", ["/account/delete", "/account/data/export.json"])
def test_an_old_sign_in_is_asked_again_with_both_factors(browser: Browser, ada: str, clock: Clock, path: str) -> None:
    """A-74, OWASP ASVS v5.0.0-7.5.1."""
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=16)
    assert browser.open(path).path == "/login"
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == "/login/second-factor"
    assert browser.submit({"code": code_of(key, clock.now)}).path == path


@pytest.mark.both_databases
def test_the_copy_holds_what_is_stored_and_no_secret(browser: Browser, ada: str, work: Work, clock: Clock) -> None:
    key, codes = turn_on_two_factor(browser, clock.now)
    answer = browser.open("/account/data/export.json").response
    assert answer.headers["content-type"] == "application/json"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = json.loads(answer.text)
    assert document["account"]["id"] == ada
    assert document["claims"] == {"name": "Ada"}
    assert document["email_addresses"][0]["address"] == ADDRESS
    assert document["two_factor"]["recovery_codes_left"] == 10
    assert document["sessions"][0]["network"] == "127.0.0.1"
    assert document["applications"] == []
    assert {event["name"] for event in document["events"]} >= {Event.SIGNED_IN, Event.TWO_FACTOR_ENABLED}
    with work() as w:
        seed = w.read.exec_driver_sql("SELECT seed FROM totp_credentials").scalar_one()
        hashed = w.read.exec_driver_sql("SELECT hash FROM passwords").scalar_one()
    for secret in (key, codes[0], seed, hashed, "digest"):
        assert secret not in answer.text


def test_a_signed_out_visitor_is_sent_to_sign_in(browser: Browser) -> None:
    for path in ("/account/data", "/account/delete", "/account/data/export.json"):
        assert browser.open(path).path == "/login"
