"""Create an account: the same answer whether or not the address is taken."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from provider.accounts import suspension
from provider.accounts import users as rules
from provider.accounts.email import email_addresses
from provider.accounts.email.email_addresses import AlreadyConfirmed, WrongCode
from provider.accounts.email.new_addresses import AddressTaken, NotAnAddress
from provider.accounts.links import issue_link
from provider.accounts.store import email_addresses as store
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import Status
from provider.config.settings import Settings
from provider.work import Installation, UnitOfWork
from provider.worker.jobs import purge
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, find_user, forgot_password, is_signed_in, sign_in, sign_up

CHOSEN = "chosen by whoever signs up"


def test_a_person_signs_up_and_is_signed_in_by_confirming_the_link(browser: Browser, inbox: Inbox, work: Work) -> None:
    page = sign_up(browser, name="Ada Lovelace")
    assert page.title.startswith("Check your email")
    assert ADDRESS in page.text
    assert find_user(work).status == Status.INACTIVE
    browser.open(inbox.latest(ADDRESS).link)
    assert not is_signed_in(browser)  # ASVS v5.0.0-7.6.2: the link alone signs nobody in
    browser.back()
    page = browser.submit(button="Confirm")
    assert find_user(work).status == Status.ACTIVE
    assert page.path == "/account"
    assert "Ada Lovelace" in page.text


def outline(page: Page) -> tuple[int, str, str, list[str], str]:
    headers = sorted(name for name in page.response.headers if name != "x-request-id")
    text = page.text.replace("grace@example.test", "X").replace(ADDRESS, "X")
    return page.status, page.path, page.title, headers, text


@pytest.mark.parametrize("typed", [ADDRESS, "ADA@Example.test", " ada@example.test "])
def test_signing_up_with_a_taken_address_looks_like_any_other(
    browser: Browser, inbox: Inbox, work: Work, typed: str
) -> None:
    """A-86, ASVS v5.0.0-6.3.8."""
    with work() as w:
        make_user(w)
    taken, free = sign_up(browser, typed), sign_up(browser, "grace@example.test")
    assert outline(taken)[:4] == outline(free)[:4]
    assert taken.text.lower().replace(ADDRESS, "X") == free.text.lower().replace("grace@example.test", "X")
    assert len(taken.url) == pytest.approx(len(free.url), abs=12)  # the sealed ticket is as long as the address
    letter = inbox.latest(ADDRESS)
    assert letter.subject.startswith("You already have")
    assert "password" in letter.text


def test_whoever_reads_that_they_have_an_account_may_ask_for_a_new_password_at_once(
    browser: Browser, inbox: Inbox, work: Work
) -> None:
    """The half minute between two letters is for the same button pressed twice."""
    with work() as w:
        make_user(w)
    sign_up(browser)
    for _ in range(2):
        forgot_password(browser)
    taken, reset = inbox.letters(ADDRESS)
    assert (taken.subject[:16], "/reset-password" in reset.link) == ("You already have", True)


class TestWithSmtputf8:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"smtp_utf8": True})

    def test_unicode_spellings_of_a_taken_address_are_the_same_address(
        self, browser: Browser, inbox: Inbox, work: Work
    ) -> None:
        """A-86: composed and decomposed letters."""
        with work() as w:
            make_user(w, "andré@example.test")
        sign_up(browser, "andre\u0301@example.test")
        assert inbox.latest().subject.startswith("You already have")


def test_the_form_refuses_an_address_that_no_email_could_reach(browser: Browser, inbox: Inbox) -> None:
    """RFC 6531: without SMTPUTF8."""
    page = sign_up(browser, "andré@example.test")
    assert (page.status, "send email to this address" in page.text) == (400, True)
    assert inbox.letters() == []


def test_the_page_of_a_taken_address_takes_codes_and_resends_like_any_other(
    browser: Browser, inbox: Inbox, work: Work, clock: Clock
) -> None:
    with work() as w:
        make_user(w)
    sign_up(browser)
    page = browser.submit({"code": "123456"})
    assert page.status == 400
    assert "expired" in page.text
    page = browser.submit(button="Send a new code")
    assert "sent a new email" in page.text
    assert len(inbox.letters(ADDRESS)) == 1  # 30 seconds were not over


@pytest.mark.usefixtures("unlimited")
def test_a_claim_to_somebodys_address_opens_nothing_and_goes(
    browser: Browser,
    new_browser: Callable[[], Browser],
    inbox: Inbox,
    work: Work,
    clock: Clock,
    installation: Installation,
) -> None:
    """Decision 41: its password leads to "check your email", and no letter, link, code or operator any further."""
    with work() as w:
        owner_id = make_user(w)
    sign_up(browser, password=CHOSEN)
    clock.advance(minutes=1)
    page = sign_in(browser, password=CHOSEN)
    assert (page.path, is_signed_in(browser)) == ("/verify-email", False)
    for letter in inbox.letters():
        assert (letter.to, letter.subject[:16]) == (ADDRESS, "You already have")
        assert "/verify-email" not in letter.text + letter.html
        assert not re.search(r"\b\d{6}\b", letter.text)
    with work() as w:
        _, claim = store.find_owner_and_claimant(w.read, ADDRESS)
        assert claim is not None
        link = issue_link(w, purpose=Purpose.VERIFY, address=claim[1], browser=None)  # as if somebody had seen it
    confirmations: tuple[Callable[[UnitOfWork], object], ...] = (
        lambda w: email_addresses.confirm_by_link(w, token=link.token, browser=None, password=CHOSEN),
        lambda w: email_addresses.confirm_by_code(w, address_id=claim[1].id, code=link.code),
        lambda w: email_addresses.verify_by_operator(w, user_id=claim[0].id),
    )
    for confirm in confirmations:
        with work() as w, pytest.raises((AlreadyConfirmed, WrongCode)):
            confirm(w)
    assert sign_in(browser, password=CHOSEN).path == "/verify-email"
    assert find_user(work).id == owner_id
    assert sign_in(new_browser()).path == "/account"
    clock.advance(days=31)
    purge(installation)
    assert sign_in(browser, password=CHOSEN).status == 400
    assert sign_in(new_browser()).path == "/account"


def test_signing_up_gives_no_guess_at_the_owners_password(browser: Browser, work: Work) -> None:
    """A-62: the right password of a claim takes back none of the guesses made before it."""
    with work() as w:
        make_user(w)
    sign_up(browser, password=CHOSEN)
    tried = ["a guess", "another guess", CHOSEN, "a third guess", "a fourth guess"]
    answers = [sign_in(browser, password=password) for password in tried]
    assert [answer.path for answer in answers] == ["/login", "/login", "/verify-email", "/login", "/login"]
    assert sign_in(browser).status == 429


def test_a_suspended_owner_does_not_show_at_sign_up(browser: Browser, inbox: Inbox, work: Work) -> None:
    with work() as w:
        suspension.suspend(w, user_id=make_user(w), reason="abuse")
    page = sign_up(browser)
    assert page.title.startswith("Check your email")
    assert "suspended" not in page.text.lower()
    assert inbox.latest(ADDRESS).subject.startswith("You already have")


def test_mistakes_are_said_beside_the_fields_and_keep_what_was_typed(browser: Browser) -> None:
    page = sign_up(browser, "ada@", password="short", name="Ada")
    assert page.status == 400
    assert page.title.startswith("Error: ")
    assert "There is a problem" in page.text
    assert 'value="ada@"' in page.html
    assert 'value="Ada"' in page.html
    assert "short" not in page.html


@pytest.mark.parametrize(
    "address", ["", "ada", "a b@example.test", 'ada"@example.test', "ada@example.test\x00", "x" * 300]
)
def test_what_is_no_address_is_refused_without_a_crash(browser: Browser, address: str) -> None:
    assert sign_up(browser, address).status == 400


def test_what_a_person_typed_is_shown_as_text(browser: Browser, inbox: Inbox, work: Work) -> None:
    """A-95, in pages and letters."""
    payload = "<svg onload=alert(1)>{{7*7}}${7*7}"
    page = sign_up(browser, "a'{{7*7}}@example.test", name=payload)
    assert page.title.startswith("Check your email")
    assert "49" not in page.text
    letter = inbox.latest()
    assert "<svg" not in letter.html
    assert payload not in letter.text  # a stranger's words do not travel in our letters
    with work() as w:
        make_user(w, "eve@example.test", name=payload)
    page = sign_in(browser, "eve@example.test")
    assert payload in page.text
    assert "<svg onload" not in page.html


@pytest.mark.both_databases
@pytest.mark.usefixtures("unlimited")
def test_somebody_who_signs_up_again_gets_another_letter_and_the_last_password_counts(
    browser: Browser, inbox: Inbox, clock: Clock, work: Work
) -> None:
    sign_up(browser, password="the first of two passwords")
    clock.advance(minutes=1)
    sign_up(browser, password="the second of two passwords")
    browser.open(inbox.latest(ADDRESS).link)
    browser.submit(button="Confirm")
    assert sign_in(browser, password="the second of two passwords").path == "/account"


@pytest.mark.usefixtures("unlimited")
def test_whoever_confirms_first_has_the_address(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox
) -> None:
    sign_up(browser, password="a password of the first")
    first = inbox.latest(ADDRESS)
    other = new_browser()
    sign_up(other, password="a password of the other")
    browser.open(first.link)
    assert browser.submit(button="Confirm").path == "/account"
    assert sign_in(other, password="a password of the other").path == "/verify-email"  # for ever: decision 41
    assert not is_signed_in(other)
    assert sign_in(browser, password="a password of the first").path == "/account"


def test_too_many_sign_ups_from_one_network_are_slowed(browser: Browser, lower: Lower) -> None:
    lower(sign_up="3/hour")
    statuses = [sign_up(browser, f"a{number}@example.test").status for number in range(4)]
    assert statuses == [200] * 3 + [429]


def test_people_who_are_signed_in_need_no_account(browser: Browser, work: Work) -> None:
    with work() as w:
        make_user(w)
    sign_in(browser)
    assert browser.open("/signup").path == "/account"


def test_an_operator_makes_finds_and_deletes_accounts(work: Work) -> None:
    with work() as w:
        user_id = make_user(w, roles=("admin",), name="Ada")
    with work() as w:
        by_id, by_address = rules.find_user(w, user_id), rules.find_user(w, "ADA@example.test")
        assert by_id is not None
        assert by_id == by_address
        assert by_id.roles == ["admin"]
        assert by_id.claims == {"name": "Ada"}
        rules.set_roles(w, user_id=user_id, roles=["b", "a"])
    with work() as w:
        found = rules.find_user(w, user_id)
        assert found is not None
        assert found.roles == ["a", "b"]
        rules.delete_user(w, user_id=user_id)
    with work() as w:
        assert rules.find_user(w, ADDRESS) is None


def test_an_operator_is_told_when_an_address_is_taken_or_none(work: Work) -> None:
    with work() as w:
        make_user(w)
    with work() as w, pytest.raises(AddressTaken):
        make_user(w, "Ada@example.test")
    with work() as w, pytest.raises(NotAnAddress):
        make_user(w, "ada")


class TestWithoutTheFeature:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"features": settings.features - {"registration"}})

    def test_the_routes_do_not_exist_and_no_page_links_to_them(self, client: TestClient, browser: Browser) -> None:
        """A-86."""
        assert client.get("/signup").status_code == 404
        assert client.post("/signup", data={"email": ADDRESS, "password": PASSWORD}).status_code == 404
        assert "/signup" not in browser.open("/login").html


LOOK_ALIKES = [
    "\u212aim@example.test",
    "k\u0131m@example.test",
    "k\u0130m@example.test",
    "\uff4bim@example.test",
    "ki\u0301m@example.test",
    "ki\u200bm@example.test",
    "k\u0456m@example.test",
    "kim@\u0435xample.test",
]


@pytest.mark.parametrize("typed", LOOK_ALIKES, ids=[ascii(one) for one in LOOK_ALIKES])
@pytest.mark.usefixtures("unlimited")
def test_what_looks_like_an_address_gets_none_of_its_letters(
    browser: Browser, inbox: Inbox, work: Work, typed: str
) -> None:
    """N-42: a letter goes to the mailbox that was proven, never to what was typed instead of it (CVE-2019-19844)."""
    with work() as w:
        make_user(w, "kim@example.test")
    forgot_password(browser, typed)
    assert {letter.to for letter in inbox.letters()} <= {"kim@example.test"}
    sign_up(browser, typed)
    for letter in inbox.letters():
        if letter.to != "kim@example.test":
            assert "/reset-password" not in letter.text
            assert "already" not in letter.subject
    assert find_user(work, "kim@example.test").status == Status.ACTIVE
