"""Another email address: proven by the new mailbox, told to the old one, undone from there."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from provider.accounts.email.email_addresses import WrongCode
from provider.accounts.email.email_change import confirm_by_code
from provider.accounts.store import email_addresses
from provider.work import Installation
from tests.support.browser import Browser, Page
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.home_realms import require_corp
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, forgot_password, is_signed_in, sign_in, turn_on_two_factor

NEW = "ada@new.example.test"
EVIL = "eve@evil.example.test"

pytestmark = pytest.mark.usefixtures("unlimited")


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    return user_id


def ask(browser: Browser, email: str = NEW) -> Page:
    browser.open("/account/email")
    return browser.submit({"email": email})


def address_of(work: Work, user_id: str) -> str:
    with work() as w:
        found = email_addresses.find_of_user(w.read, user_id)
    assert found is not None
    assert found.verified_at is not None
    return found.address


def change(browser: Browser, inbox: Inbox, email: str = NEW) -> str:
    """To the end. The link that undoes it."""
    before = ask(browser, email)
    browser.submit({"code": inbox.latest(email).code})
    assert "Email address changed" in (browser.page or before).text
    return next(word for word in inbox.letters()[-1].text.split() if "/undo-email-change" in word)


def test_the_old_address_stays_until_the_new_one_is_confirmed(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, work: Work
) -> None:
    """Replaces: profile, password, confirm-password."""
    page = ask(browser)
    assert f"Confirm {NEW}" in page.text
    assert address_of(work, ada) == ADDRESS
    assert sign_in(new_browser()).path == "/account"
    assert sign_in(new_browser(), NEW).status == 400
    browser.open("/account/email")
    page = browser.submit({"code": inbox.latest(NEW).code})
    assert page.title.startswith("Email address changed")
    assert address_of(work, ada) == NEW
    assert is_signed_in(browser)
    assert sign_in(new_browser(), NEW).path == "/account"
    assert sign_in(new_browser()).status == 400


def test_both_addresses_are_told(browser: Browser, inbox: Inbox, ada: str) -> None:
    """A-74."""
    ask(browser)
    assert "Request to change" in inbox.latest(ADDRESS).subject
    browser.submit({"code": inbox.latest(NEW).code})
    letter = inbox.latest(ADDRESS)
    assert "was changed" in letter.subject
    assert "Time: " in letter.text
    assert "Device: " in letter.text


def test_the_link_works_for_the_person_who_asked_and_by_a_button(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, work: Work
) -> None:
    """A mistyped address: the stranger who gets the letter must not get the account."""
    ask(browser)
    link = inbox.latest(NEW).link
    with work() as w:
        make_user(w, EVIL)
    stranger = new_browser()
    assert stranger.open(link).path == "/login"
    sign_in(stranger, EVIL)
    assert stranger.open(link).status == 410
    browser.open(link)
    assert address_of(work, ada) == ADDRESS
    assert browser.submit(button="Confirm").title.startswith("Email address changed")
    assert browser.open(link).title.startswith("Email address changed")


def test_an_old_sign_in_is_asked_again(browser: Browser, ada: str, clock: Clock) -> None:
    """A-74, OWASP ASVS v5.0.0-7.5.1."""
    clock.advance(minutes=16)
    assert browser.open("/account/email").path == "/login"


def test_whoever_has_a_second_factor_shows_it(browser: Browser, ada: str, clock: Clock) -> None:
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=16)
    browser.open("/account/email")
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == "/login/second-factor"
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account/email"


def test_an_address_of_somebody_else_looks_like_any_other(browser: Browser, inbox: Inbox, ada: str, work: Work) -> None:
    """A-81: the page is the same, the owner gets a letter, no code fits."""
    page = ask(browser)
    free = (page.status, page.text)
    with work() as w:
        make_user(w, EVIL)
    taken = ask(browser, EVIL)
    assert (taken.status, taken.text.replace(EVIL, NEW)) == free
    assert "already has an account" in inbox.latest(EVIL).subject
    assert browser.submit({"code": "123456"}).status == 400
    assert address_of(work, ada) == ADDRESS


@pytest.mark.both_databases
def test_of_two_who_want_one_address_the_first_to_confirm_has_it(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, work: Work
) -> None:
    with work() as w:
        eve = make_user(w, EVIL)
    other = new_browser()
    sign_in(other, EVIL)
    ask(browser)
    first = inbox.latest(NEW).code
    ask(other)
    assert other.submit({"code": inbox.latest(NEW).code}).status == 200
    browser.open("/account/email")
    assert browser.submit({"code": first}).status == 400
    assert (address_of(work, ada), address_of(work, eve)) == (ADDRESS, NEW)


def test_a_change_is_called_off(browser: Browser, inbox: Inbox, ada: str, work: Work) -> None:
    ask(browser)
    letter = inbox.latest(NEW)
    assert "Confirm" not in browser.submit(button="Keep my current address").text
    assert browser.open(letter.link).status == 410
    assert address_of(work, ada) == ADDRESS


def test_five_wrong_codes_end_the_code(browser: Browser, inbox: Inbox, ada: str, work: Work) -> None:
    ask(browser)
    code = inbox.latest(NEW).code
    for _ in range(5):
        assert browser.submit({"code": "000000" if code != "000000" else "111111"}).status == 400
    assert browser.submit({"code": code}).status == 400
    assert address_of(work, ada) == ADDRESS


def test_codes_and_links_run_out(browser: Browser, inbox: Inbox, ada: str, clock: Clock) -> None:
    ask(browser)
    letter = inbox.latest(NEW)
    clock.advance(minutes=11)
    browser.open("/account/email")
    assert browser.submit({"code": letter.code}).status == 400
    for _ in range(30):
        clock.advance(minutes=50)
        sign_in(browser)
    assert browser.open(letter.link).status == 410


def test_reset_links_of_the_old_mailbox_die_and_devices_stay(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str
) -> None:
    other = new_browser()
    sign_in(other)
    forgot_password(new_browser())
    link = inbox.latest(ADDRESS).link
    change(browser, inbox)
    assert new_browser().open(link).status == 410
    assert is_signed_in(other)


def test_the_old_mailbox_takes_the_account_back(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, work: Work, clock: Clock
) -> None:
    clock.advance(minutes=1)
    undo = change(browser, inbox)
    clock.advance(minutes=1)
    owner = new_browser()
    assert ADDRESS in owner.open(undo).text
    assert address_of(work, ada) == NEW
    assert owner.submit(button="Undo change").title.startswith("All sessions were signed out")
    assert address_of(work, ada) == ADDRESS
    assert not is_signed_in(browser)
    assert sign_in(new_browser(), NEW).status == 400
    assert sign_in(new_browser()).status == 400  # the password is gone too
    owner.open(inbox.latest(ADDRESS).link)
    assert owner.submit({"password": "a brand new and long password"}).title.startswith("Your new password is set")
    assert owner.open(undo).status == 410


def test_the_oldest_mailbox_has_the_last_word(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, work: Work, clock: Clock
) -> None:
    """Whoever changes the address twice, resets the password and undoes once does not shut the owner out."""
    first = change(browser, inbox, EVIL)
    clock.advance(minutes=1)
    second = change(browser, inbox, "eve2@evil.example.test")
    clock.advance(minutes=1)
    thief = new_browser()
    thief.open(second)
    thief.submit(button="Undo change")
    assert address_of(work, ada) == EVIL
    owner = new_browser()
    owner.open(first)
    owner.submit(button="Undo change")
    assert address_of(work, ada) == ADDRESS
    assert inbox.latest().to == ADDRESS


@pytest.mark.parametrize("minutes", [1, 0, -60], ids=["later", "at the same time", "at a node with a slow clock"])
def test_undoing_an_earlier_change_ends_the_links_that_undo_later_ones(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, clock: Clock, minutes: int
) -> None:
    first = change(browser, inbox, EVIL)
    clock.advance(minutes=minutes)
    change(browser, inbox, "eve2@evil.example.test")
    (letter,) = (letter for letter in inbox.letters(EVIL) if "/undo-email-change" in letter.text)
    second = next(word for word in letter.text.split() if "/undo-email-change" in word)
    owner = new_browser()
    owner.open(first)
    owner.submit(button="Undo change")
    assert new_browser().open(second).status == 410


def test_the_way_back_closes_after_a_week(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, clock: Clock
) -> None:
    undo = change(browser, inbox)
    clock.now += timedelta(days=7, minutes=1)
    assert new_browser().open(undo).status == 410


@in_one_world("email", ["", "nobody", "a@b@c", ADDRESS, "ADA@example.test", "x" * 250 + "@example.test"])
def test_what_is_no_other_address_is_refused(browser: Browser, inbox: Inbox, ada: str, email: str) -> None:
    page = ask(browser, email)
    assert page.status == 400
    assert page.title.startswith("Error: ")
    assert inbox.letters() == []


def test_an_address_whose_users_sign_in_elsewhere_is_not_left(
    browser: Browser, inbox: Inbox, ada: str, work: Work, installation: Installation
) -> None:
    """N-603: with another one, a password from here would open the account."""
    browser.open("/account/email")
    require_corp(installation)
    page = browser.submit({"email": NEW})
    assert page.status == 403
    assert "Corp manages your email address" in page.text
    page = browser.open("/account/email")
    assert "Corp manages your email address" in page.text
    assert all(form.action != "/account/email" for form in page.forms)
    assert inbox.letters() == []


def test_a_change_from_before_the_domain_belonged_elsewhere_is_not_carried_out(
    browser: Browser, inbox: Inbox, ada: str, work: Work, installation: Installation
) -> None:
    """N-604: neither by its code nor by its link."""
    ask(browser)
    letter = inbox.latest(NEW)
    browser.open(letter.link)
    require_corp(installation)
    assert browser.submit(button="Confirm new address").status == 410
    with pytest.raises(WrongCode), work() as w:
        confirm_by_code(w, user_id=ada, code=letter.code)
    assert f"Confirm {NEW}" not in browser.open("/account/email").text
    assert address_of(work, ada) == ADDRESS
