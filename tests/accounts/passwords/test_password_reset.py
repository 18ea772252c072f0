"""A new password: ask, look, choose. The same answer to everybody."""

from collections.abc import Callable

import pytest

from provider.accounts import suspension
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords import password_reset
from provider.refusals import Refusal
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, code_of, forgot_password, is_signed_in, sign_in, sign_up, turn_on_two_factor

NEW = "a brand new and long password"


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def reset(browser: Browser, link: str, password: str = NEW) -> None:
    browser.open(link)
    page = browser.submit({"password": password})
    assert page.title.startswith("Your new password is set"), page


def test_a_person_chooses_a_new_password(browser: Browser, inbox: Inbox, ada: str) -> None:
    page = forgot_password(browser)
    assert page.title.startswith("Check your email")
    reset(browser, inbox.latest(ADDRESS).link)
    assert not is_signed_in(browser)  # ASVS v5.0.0-7.6.2
    assert sign_in(browser).status == 400
    assert sign_in(browser, password=NEW).path == "/account"
    letter = inbox.latest(ADDRESS)
    assert "password was reset" in letter.subject
    assert NEW not in letter.text


def test_a_user_whose_password_was_guessed_at_need_not_wait_after_a_reset(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str
) -> None:
    stranger = new_browser()
    assert [sign_in(stranger, password="a guess").status for _ in range(6)] == [400] * 5 + [429]
    forgot_password(browser)
    reset(browser, inbox.latest(ADDRESS).link)
    assert sign_in(browser, password=NEW).path == "/account"


@pytest.mark.parametrize("email", ["nobody@example.test", "ADA@Example.test", "ada+tag@example.test"])
@pytest.mark.parametrize("state", ["active", "suspended", "unverified"])
def test_asking_looks_alike_whoever_asks(
    browser: Browser, inbox: Inbox, work: Work, ada: str, state: str, email: str
) -> None:
    """A-81. Replaces: password reset in three steps."""
    with work() as w:
        make_user(w, "new@example.test", verified=False)
        if state == "suspended":
            suspension.suspend(w, user_id=ada, reason=None)
    expected = forgot_password(browser, "somebody@example.test")
    asked = "new@example.test" if state == "unverified" else email
    before = len(inbox.letters())
    page = forgot_password(browser, asked)
    assert (page.status, page.url, page.text) == (expected.status, expected.url, expected.text)
    letters = inbox.letters()[before:]
    if state == "active" and email == "ADA@Example.test":
        assert [letter.subject for letter in letters] == ["Reset your Signet password"]
    elif state == "unverified":
        assert [letter.subject for letter in letters] == ["Confirm your email address for Signet"]
    else:
        assert letters == []


def test_letters_to_one_mailbox_are_limited_in_silence(browser: Browser, inbox: Inbox, ada: str) -> None:
    """A-81: one in 30 seconds, five an hour."""
    answers = {forgot_password(browser).text for _ in range(4)}
    assert len(answers) == 1
    assert len(inbox.letters(ADDRESS)) == 1


def test_the_network_is_limited_in_silence(browser: Browser, inbox: Inbox, work: Work, lower: Lower) -> None:
    lower(mail="4/hour")
    with work() as w:
        for number in range(5):
            make_user(w, f"p{number}@example.test")
    for number in range(5):
        assert forgot_password(browser, f"p{number}@example.test").title.startswith("Check your email")
    assert len(inbox.letters()) == 4


@pytest.mark.both_databases
def test_looking_consumes_nothing_and_using_works_once(browser: Browser, inbox: Inbox, ada: str) -> None:
    """A-83."""
    forgot_password(browser)
    link = inbox.latest(ADDRESS).link
    browser.client.head(link)
    form = browser.open(link)
    reset(browser, link)
    page = browser.open(link)
    assert page.status == 410
    assert "already been used" in page.text
    browser.page = form
    page = browser.submit({"password": "yet another password"})
    assert page.status == 410
    assert sign_in(browser, password=NEW).path == "/account"


def test_a_link_lives_half_an_hour(browser: Browser, inbox: Inbox, ada: str, clock: Clock) -> None:
    """A-83."""
    forgot_password(browser)
    link = inbox.latest(ADDRESS).link
    form = browser.open(link)
    clock.advance(minutes=30, seconds=1)
    assert browser.open(link).status == 410
    browser.page = form
    assert browser.submit({"password": NEW}).status == 410
    assert "Request a new link" in str(browser.page and browser.page.links)


@pytest.mark.usefixtures("unlimited")
def test_only_the_newest_link_works(browser: Browser, inbox: Inbox, ada: str, clock: Clock) -> None:
    """A-83."""
    forgot_password(browser)
    old = inbox.latest(ADDRESS).link
    clock.advance(seconds=1)
    forgot_password(browser)
    assert browser.open(old).status == 410
    reset(browser, inbox.latest(ADDRESS).link)


def test_a_verification_link_resets_nothing(browser: Browser, inbox: Inbox) -> None:
    """A-83: one purpose each."""
    sign_up(browser)
    token = inbox.latest(ADDRESS).link.partition("token=")[2]
    assert browser.open(f"/reset-password?token={token}").status == 410


@pytest.mark.parametrize("token", ["x", "%C3%BC", "a" * 5000])
def test_a_made_up_token_leads_on(browser: Browser, token: str) -> None:
    page = browser.open(f"/reset-password?token={token}")
    assert page.status == 410
    assert "Request a new link" in page.links


def test_everything_of_before_ends_with_the_reset(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, clock: Clock, work: Work
) -> None:
    """A-84: sessions, pending sign-ins, other links. Replaces: password reset in three steps."""
    device, waiting = new_browser(), new_browser()
    sign_in(device)
    key, _ = turn_on_two_factor(device, clock.now)
    sign_in(waiting)
    assert waiting.page is not None
    assert waiting.page.path == "/login/second-factor"
    forgot_password(browser)
    link = inbox.latest(ADDRESS).link
    clock.advance(seconds=90)
    reset(browser, link)
    assert not is_signed_in(device)
    assert waiting.submit({"code": code_of(key, clock.now)}).path != "/account"
    assert not is_signed_in(waiting)
    with work() as w:
        assert w.read.exec_driver_sql("SELECT count(*) FROM one_time_links WHERE status = 'ACTIVE'").scalar() == 0


def test_the_second_factor_outlives_a_reset(browser: Browser, inbox: Inbox, ada: str, clock: Clock) -> None:
    """A-85, ASVS v5.0.0-6.4.3."""
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    forgot_password(browser)
    reset(browser, inbox.latest(ADDRESS).link)
    clock.advance(minutes=1)
    page = sign_in(browser, password=NEW)
    assert page.path == "/login/second-factor"
    assert key not in page.html
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account"


def test_an_invalid_password_leaves_the_link_usable(browser: Browser, inbox: Inbox, ada: str) -> None:
    forgot_password(browser)
    browser.open(inbox.latest(ADDRESS).link)
    page = browser.submit({"password": "password1"})
    assert page.status == 400
    assert page.title.startswith("Error: ")
    assert browser.submit({"password": NEW}).title.startswith("Your new password is set")


def test_an_account_that_is_not_confirmed_gets_a_letter_that_asks_for_the_password(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work
) -> None:
    """Asking for a reset shows nothing about who asks, so the letter is bound to no browser."""
    with work() as w:
        make_user(w, verified=False)
    forgot_password(browser)
    page = browser.open(inbox.latest(ADDRESS).link)
    assert "Password you chose when you signed up" in page.text
    assert browser.submit({"password": PASSWORD}, button="Confirm").path == "/account"


def test_a_suspension_kills_the_link(browser: Browser, inbox: Inbox, work: Work, ada: str) -> None:
    """A-105."""
    forgot_password(browser)
    link = inbox.latest(ADDRESS).link
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    with work() as w:
        suspension.restore(w, user_id=ada)
    assert browser.open(link).status == 410


@pytest.mark.both_databases
def test_a_link_is_spent_once_even_if_two_arrive_at_once(work: Work, inbox: Inbox, ada: str) -> None:
    address = parse_address(ADDRESS)
    assert address is not None
    with work() as w:
        password_reset.request_reset(w, address=address, carry={})
    token = inbox.latest(ADDRESS).link.partition("token=")[2]
    with work() as w:
        password_reset.reset_password(w, token=token, password=NEW)
    with work() as w, pytest.raises(Refusal):
        password_reset.reset_password(w, token=token, password="another long password")


def test_links_use_the_configured_origin(browser: Browser, inbox: Inbox, ada: str) -> None:
    """A-88."""
    browser.open("/forgot-password")
    page = browser.page
    assert page is not None
    form = page.form("email")
    values = dict(form.values()) | {"email": ADDRESS}
    headers = {"x-forwarded-host": "evil.test", "x-forwarded-proto": "http", "forwarded": "host=evil.test"}
    response = browser.client.post("/forgot-password", data=values, headers=headers)
    assert response.headers["location"] == "/forgot-password/sent"
    assert "evil.test" not in inbox.latest(ADDRESS).text + inbox.latest(ADDRESS).html


def test_an_expired_page_does_not_call_its_link_dead(browser: Browser, inbox: Inbox, ada: str) -> None:
    forgot_password(browser)
    browser.open(inbox.latest(ADDRESS).link)
    browser.cookies.clear()
    assert browser.submit({"password": NEW}).status == 403
    assert browser.follow("Continue").title.startswith("Forgot your password?")
    reset(browser, inbox.latest(ADDRESS).link)
