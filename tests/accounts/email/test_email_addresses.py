"""Confirm an address: link and code, once, by whoever signed up."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from provider.accounts import suspension
from provider.accounts.email import email_addresses
from provider.accounts.email.email_addresses import AlreadyConfirmed, parse_address
from provider.accounts.store import links
from provider.accounts.store.users import Status
from provider.accounts.users import delete_user
from provider.work import Installation, unit_of_work
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, find_user, is_signed_in, sign_in, sign_up


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com ", "ada@example.com"),
        ("\ufeffada@example.com\u200b", "ada@example.com"),
        ("\u202aada@example.com\u202c", "ada@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("ada@intranet", "ada@intranet"),
        ("andre\u0301@example.com", "andr\u00e9@example.com"),
        ("ada@B\u00fccher.example", "ada@b\u00fccher.example"),
    ],
)
def test_addresses_compare_in_one_normal_form(text: str, normal: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert address.normal == normal


def test_a_typed_code_confirms_however_it_is_spaced(browser: Browser, inbox: Inbox, work: Work) -> None:
    sign_up(browser)
    code = inbox.latest(ADDRESS).code
    assert browser.submit({"code": f"Your code: {code[:3]}\u2009{code[3:]}."}).path == "/account"
    assert find_user(work).status == Status.ACTIVE


def test_five_wrong_codes_end_the_code_but_not_the_link(browser: Browser, inbox: Inbox, work: Work) -> None:
    """ASVS v5.0.0-6.6.3."""
    sign_up(browser)
    letter = inbox.latest(ADDRESS)
    wrong = "000000" if letter.code != "000000" else "111111"
    for _ in range(5):
        assert browser.submit({"code": wrong}).status == 400
    assert browser.submit({"code": letter.code}).status == 400
    assert find_user(work).status == Status.INACTIVE
    browser.open(letter.link)
    assert browser.submit(button="Confirm").path == "/account"


def test_a_code_works_for_ten_minutes(browser: Browser, inbox: Inbox, clock: Clock) -> None:
    """ASVS v5.0.0-6.5.5."""
    sign_up(browser)
    clock.advance(minutes=10, seconds=1)
    assert browser.submit({"code": inbox.latest(ADDRESS).code}).status == 400


def test_a_code_of_another_account_confirms_nothing(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox
) -> None:
    """ASVS v5.0.0-6.6.2: bound to its request."""
    sign_up(browser)
    sign_up(new_browser(), "grace@example.test")
    assert browser.submit({"code": inbox.latest("grace@example.test").code}).status == 400


def test_looking_at_a_link_consumes_nothing(browser: Browser, inbox: Inbox, work: Work) -> None:
    """A-83: mail scanners open links, and ask for their heads. Replaces: verification links and another email."""
    sign_up(browser)
    link = inbox.latest(ADDRESS).link
    for _ in range(3):
        browser.client.head(link)
        assert browser.open(link).title.startswith("Confirm your email address")
    assert find_user(work).status == Status.INACTIVE
    assert not browser.cookies.get("__Host-signet")
    assert browser.submit(button="Confirm").path == "/account"


@pytest.mark.both_databases
def test_a_link_works_once_and_then_says_so(browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox) -> None:
    """In the browser that is signed in by now it leads on. In any other one, to the sign-in page."""
    sign_up(browser)
    link, other = inbox.latest(ADDRESS).link, new_browser()
    old = other.open(link)
    browser.open(link)
    page = browser.page
    browser.submit(button="Confirm")
    assert browser.open(link).path == "/account"
    browser.page = page
    assert browser.submit(button="Confirm").path == "/account"
    opened = other.open(link)
    other.page = old
    for again in (opened, other.submit({"password": PASSWORD})):
        assert (again.path, "already confirmed. Sign in" in again.text) == ("/login", True)
        assert f'value="{ADDRESS}"' in again.html
    assert not is_signed_in(other)


def test_another_browser_must_know_the_password(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work
) -> None:
    """Whoever reads the mailbox does not bring a stranger's account to life."""
    sign_up(browser)
    other = new_browser()
    page = other.open(inbox.latest(ADDRESS).link)
    assert "Password you chose when you signed up" in page.text
    assert other.submit({"password": "Wrong password"}, button="Confirm").status == 400
    assert other.submit(button="Confirm").status == 400
    assert find_user(work).status == Status.INACTIVE
    assert other.submit({"password": PASSWORD}, button="Confirm").path == "/account"


def test_guessing_the_password_of_a_link_is_slowed_like_any_other(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox
) -> None:
    sign_up(browser)
    other = new_browser()
    other.open(inbox.latest(ADDRESS).link)
    statuses = [other.submit({"password": f"wrong {number}"}, button="Confirm").status for number in range(6)]
    assert statuses == [400, 400, 400, 400, 400, 429]
    assert sign_in(new_browser()).status == 429


def test_a_link_is_dead_after_its_time(browser: Browser, inbox: Inbox, clock: Clock, work: Work) -> None:
    sign_up(browser)
    clock.advance(hours=24, seconds=1)
    page = browser.open(inbox.latest(ADDRESS).link)
    assert page.status == 410
    assert "Sign in" in page.links
    assert find_user(work).status == Status.INACTIVE


@pytest.mark.usefixtures("unlimited")
def test_only_the_newest_letter_works(browser: Browser, inbox: Inbox, clock: Clock) -> None:
    """A-83."""
    check_mail = sign_up(browser)
    old = inbox.latest(ADDRESS)
    clock.advance(seconds=1)
    browser.submit(button="Send a new code")
    new = inbox.latest(ADDRESS)
    assert browser.open(old.link).status == 410
    browser.page = check_mail
    if old.code != new.code:
        assert browser.submit({"code": old.code}).status == 400
    assert browser.submit({"code": new.code}).path == "/account"


def test_asking_for_more_letters_is_silently_limited(browser: Browser, inbox: Inbox) -> None:
    """Replaces: verification links and another email."""
    sign_up(browser)
    for _ in range(4):
        page = browser.submit(button="Send a new code")
        assert page.status == 200
        assert "sent a new email" in page.text
    assert len(inbox.letters(ADDRESS)) == 1


def test_signing_in_before_confirming_leads_to_the_code_and_to_no_session(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work
) -> None:
    """A-106. Replaces: inactive until verified, refused when suspended."""
    sign_up(browser)
    code = inbox.latest(ADDRESS).code
    other = new_browser()
    page = sign_in(other)
    assert page.path == "/verify-email"
    assert "Your password is correct" in page.text
    assert not is_signed_in(other)
    sign_in(other)
    # Of the email for the first browser: none was sent for this one.
    assert other.submit({"code": code, "password": PASSWORD}).path == "/account"


@pytest.mark.parametrize("ticket", ["", "x", "ab12cd34.AAAA", "\u00fc", "a" * 4000])
def test_a_ticket_that_is_not_ours_leads_on(browser: Browser, ticket: str) -> None:
    page = browser.open(f"/verify-email?ticket={ticket}")
    assert page.status == 410
    assert "Sign in" in page.links


def test_a_suspended_sign_up_cannot_be_confirmed(browser: Browser, inbox: Inbox, work: Work) -> None:
    """A-105."""
    sign_up(browser)
    letter = inbox.latest(ADDRESS)
    with work() as w:
        suspension.suspend(w, user_id=find_user(work).id, reason=None)
    assert browser.submit({"code": letter.code}).status == 400
    assert browser.open(letter.link).status == 410
    with work() as w:
        suspension.restore(w, user_id=find_user(work).id)
    assert browser.open(letter.link).status == 410
    assert find_user(work).status == Status.INACTIVE


def test_the_letter_carries_on_to_where_the_sign_up_came_from(browser: Browser, inbox: Inbox) -> None:
    browser.open("/signup?return_to=/account/sessions")
    browser.submit({"email": ADDRESS, "password": PASSWORD})
    browser.open(inbox.latest(ADDRESS).link)
    assert browser.submit(button="Confirm").path == "/account/sessions"


@pytest.mark.both_databases
def test_an_operator_confirms_once(work: Work) -> None:
    with work() as w:
        user_id = make_user(w, verified=False)
    with work() as w:
        email_addresses.verify_by_operator(w, user_id=user_id)
    assert find_user(work).status == Status.ACTIVE
    with work() as w, pytest.raises(AlreadyConfirmed):
        email_addresses.verify_by_operator(w, user_id=user_id)


def test_links_are_kept_for_the_audit_and_then_purged(browser: Browser, work: Work, clock: Clock) -> None:
    sign_up(browser)
    with work() as w:
        assert links.purge(w.db, before=clock.now, limit=500) == 0
        assert links.purge(w.db, before=clock.now + timedelta(days=2), limit=500) == 1


def test_nothing_a_letter_holds_is_stored_in_clear(browser: Browser, inbox: Inbox, work: Work) -> None:
    """A-104."""
    sign_up(browser)
    letter = inbox.latest(ADDRESS)
    with work() as w:
        rows = w.read.exec_driver_sql("SELECT * FROM one_time_links").all()
        sealed = w.read.exec_driver_sql("SELECT * FROM outbox").all()
    for secret in (letter.code, letter.link.partition("token=")[2]):
        assert secret not in str(rows)
        assert secret not in str(sealed)


@pytest.mark.both_databases
def test_of_those_who_confirm_the_same_address_at_once_one_has_it(installation: Installation, work: Work) -> None:
    for _ in range(5):
        ids = []
        for _ in range(4):
            with work() as w:
                ids.append(make_user(w, verified=False))

        def confirm(user_id: str) -> bool:
            try:
                with unit_of_work(installation) as w:
                    email_addresses.verify_by_operator(w, user_id=user_id)
            except AlreadyConfirmed:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(confirm, ids)) == [False] * 3 + [True]
        with work() as w:
            for user_id in ids:
                delete_user(w, user_id=user_id)


@pytest.mark.both_databases
def test_a_link_confirms_once_however_often_the_button_is_pressed(
    installation: Installation, browser: Browser, inbox: Inbox
) -> None:
    sign_up(browser)
    token = inbox.latest(ADDRESS).link.partition("token=")[2]
    cookie = browser.cookies["__Host-signet-browser"]

    def confirm(_: int) -> bool:
        try:
            with unit_of_work(installation) as w:
                email_addresses.confirm_by_link(w, token=token, browser=cookie, password="")
        except AlreadyConfirmed:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(confirm, range(8))) == [False] * 7 + [True]
