"""Signing in beside another account, at the pages."""

import pytest
from sqlalchemy import select

from provider.config.settings import Settings
from provider.sessions.store import sessions
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import Work, settings_for
from tests.support.people import code_of, sign_in, turn_on_two_factor
from tests.support.several_accounts import ACCOUNTS, CHOOSER, SESSION, accounts_on

ADA, BOB = "ada@example.test", "bob@example.test"


@pytest.fixture
def settings(database_url: str, request: pytest.FixtureRequest) -> Settings:
    """`request.param` is the most accounts of a browser."""
    return settings_for(database_url, accounts_per_browser=getattr(request, "param", 5))


@pytest.fixture
def people(work: Work) -> dict[str, str]:
    """Their ids by their addresses."""
    with work() as w:
        return {name: make_user(w, name) for name in (ADA, BOB, "carol@example.test", "dan@example.test")}


def add(browser: Browser, address: str) -> None:
    """By the menu of the account."""
    browser.open(CHOOSER)
    browser.submit(button="Use a different account")
    browser.submit({"username": address, "password": PASSWORD})


def offered(browser: Browser) -> list[str]:
    return list(accounts_on(browser.open(CHOOSER).html))


def ends_of(work: Work, user_id: str) -> list[str | None]:
    """Why the sessions of this user ended; None for one that did not."""
    with work() as w:
        query = select(sessions.c.end_reason).where(sessions.c.user_id == user_id)
        return list(w.read.scalars(query.order_by(sessions.c.created_at)))


@pytest.mark.also_on_postgresql
def test_accounts_are_added_and_switched_without_signing_out(
    browser: Browser, people: dict[str, str], work: Work
) -> None:
    sign_in(browser, ADA)
    adas = browser.cookies[SESSION]
    add(browser, BOB)
    assert browser.cookies[SESSION] != adas, "a new identifier (session fixation)"
    assert browser.cookies[ACCOUNTS] == adas, "hers stays, and is another one"
    assert BOB in browser.open("/account").text
    assert offered(browser) == [BOB, ADA]
    page = browser.submit(button=next(b for b in _buttons(browser) if ADA in b))
    assert page.path == "/account"
    assert ADA in page.text
    assert offered(browser) == [ADA, BOB]
    assert {name: ends_of(work, people[name]) for name in (ADA, BOB)} == {ADA: [None], BOB: [None]}


def test_account_pages_name_the_current_account_of_several(browser: Browser, people: dict[str, str]) -> None:
    """Only where there are several, since it takes a query."""
    sign_in(browser, ADA)
    assert "Current account" not in browser.open("/account/security").text
    add(browser, BOB)
    menu = browser.open("/account/security").text.partition("Current account")[2].partition("Switch account")[0]
    assert menu.strip() == BOB


def _buttons(browser: Browser) -> list[str]:
    assert browser.page is not None
    labels = [button.labels[0] for form in browser.page.forms for button in form.buttons if button.labels]
    return [label for label in labels if "@" in label]


def test_a_new_sign_in_of_an_account_that_is_here_keeps_its_session(
    browser: Browser, people: dict[str, str], work: Work
) -> None:
    """Its `sid` stays, and with it what applications got."""
    sign_in(browser, ADA)
    add(browser, BOB)
    add(browser, ADA)
    assert offered(browser) == [ADA, BOB]
    assert [ends_of(work, people[name]) for name in (ADA, BOB)] == [[None], [None]]


@pytest.mark.parametrize("settings", [3], indirect=True)
def test_the_account_that_was_used_longest_ago_makes_room(browser: Browser, people: dict[str, str], work: Work) -> None:
    for address in people:
        add(browser, address) if browser.page else sign_in(browser, address)
    assert offered(browser) == ["dan@example.test", "carol@example.test", BOB]
    assert ends_of(work, people[ADA]) == ["somebody_else_signed_in"]
    assert len(browser.cookies[ACCOUNTS]) < 100


@pytest.mark.parametrize("settings", [1], indirect=True)
def test_where_one_account_is_the_most_the_next_one_signs_the_last_one_out(
    browser: Browser, people: dict[str, str], work: Work
) -> None:
    sign_in(browser, ADA)
    assert "Switch account" not in browser.open("/account").text
    add(browser, BOB)
    assert offered(browser) == [BOB]
    assert ACCOUNTS not in browser.cookies
    assert ends_of(work, people[ADA]) == ["somebody_else_signed_in"]


def test_a_sign_in_that_waits_for_its_second_factor_is_no_account_yet(
    browser: Browser, people: dict[str, str], work: Work, clock: Clock
) -> None:
    """N-57: half a sign-in opens nothing, and the other account is still there."""
    sign_in(browser, BOB)
    key, _ = turn_on_two_factor(browser, clock.now)
    browser.open(CHOOSER)
    browser.submit(button="Sign out")
    sign_in(browser, ADA)
    add(browser, BOB)
    assert browser.page is not None
    assert browser.page.path == "/login/second-factor"
    assert browser.open("/account").path == CHOOSER
    assert list(accounts_on(browser.page.html)) == [ADA]
    clock.advance(seconds=30)
    browser.open("/login/second-factor")
    browser.submit({"code": code_of(key, clock.now)})
    assert offered(browser) == [BOB, ADA]


def test_choosing_another_account_gives_up_half_a_sign_in(
    browser: Browser, people: dict[str, str], work: Work, clock: Clock
) -> None:
    sign_in(browser, BOB)
    turn_on_two_factor(browser, clock.now)
    browser.open(CHOOSER)
    browser.submit(button="Sign out")
    sign_in(browser, ADA)
    add(browser, BOB)
    browser.open(CHOOSER)
    assert ADA in browser.submit(button=_buttons(browser)[0]).text
    assert ends_of(work, people[BOB])[-1] == "somebody_else_signed_in"
    assert offered(browser) == [ADA]


def test_a_browser_whose_current_account_is_gone_offers_the_others(browser: Browser, people: dict[str, str]) -> None:
    sign_in(browser, ADA)
    add(browser, BOB)
    browser.cookies.delete(SESSION)
    page = browser.open("/account/security")
    assert page.path == CHOOSER
    assert list(accounts_on(page.html)) == [ADA]
    assert browser.submit(button=_buttons(browser)[0]).path == "/account/security"
