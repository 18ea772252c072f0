"""Signing in with a code by email: one factor, typed where it was asked for, and silent about who has an account."""

from collections.abc import Callable

import pytest

from provider.accounts import deletion, suspension
from provider.accounts.passwords import password_reset
from provider.accounts.store import links
from provider.accounts.store.links import Purpose
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.sessions import store as sessions
from provider.sessions.assurance import ONE_TIME_CODE, PASSWORD, acr_of, add_factor
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import REDIRECT_URI, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work, settings_for
from tests.support.limits import Lower
from tests.support.people import ADDRESS, code_of, is_signed_in, sign_in, turn_on_two_factor
from tests.support.relying_party import authorization_url

REQUEST, ENTER = "/login/email-code", "/login/email-code/enter"
NOBODY = "nobody@example.test"
WRONG = "That code is wrong or has expired."


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"email_code_sign_in": True})


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def often(lower: Lower) -> None:
    """The tests' clock is not that of the limits: an email may be asked for again without waiting half a minute."""
    lower(mail_resend="10/30seconds")


def ask(browser: Browser, email: str = ADDRESS, *, at: str = REQUEST) -> Page:
    browser.open(at)
    return browser.submit({"email": email})


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def events(work: Work, user_id: str, name: str) -> list[dict[str, object]]:
    with work() as w:
        return [event.details for event in find_events(w.read, user_id=user_id, names=[name])]


def test_the_code_signs_in_where_it_was_asked_for(browser: Browser, ada: str, inbox: Inbox, work: Work) -> None:
    browser.open("/login?return_to=/account/sessions")
    browser.follow("Sign in with a code by email")
    page = browser.submit({"email": " ADA@example.test"})
    assert (page.path, "we emailed a code to it" in page.text) == (ENTER, True)
    letter = inbox.latest(ADDRESS)
    assert browser.submit({"code": letter.code}).path == "/account/sessions"
    with work() as w:
        [session] = sessions.find_all(w.read, ada)
    assert (session.amr, session.pending) == ("otp", None)
    assert [one["amr"] for one in events(work, ada, "session.signed_in")] == ["otp"]
    assert len(events(work, ada, "session.sign_in.code_requested")) == 1


def test_a_sign_in_on_the_way_to_an_app_leads_to_the_app(browser: Browser, ada: str, inbox: Inbox, work: Work) -> None:
    with work() as w:
        url = authorization_url(make_client(w, first_party=True)[0], login_hint=ADDRESS)
    browser.open(url)
    browser.follow("Sign in with a code by email")
    browser.submit()  # the address is filled in
    browser.submit({"code": inbox.latest(ADDRESS).code})
    assert (browser.left_to or "").startswith(f"{REDIRECT_URI}?code=")


def test_it_is_one_factor_and_the_second_is_still_asked_for(
    browser: Browser, ada: str, inbox: Inbox, clock: Clock, work: Work
) -> None:
    """RFC 8176 section 2: `otp`, and `mfa` only with the code of the authenticator app."""
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    browser.submit(action="/sign-out")
    clock.advance(minutes=5)
    ask(browser)
    page = browser.submit({"code": inbox.latest(ADDRESS).code})
    assert page.path == "/login/second-factor"
    assert not is_signed_in(browser)
    browser.open("/login/second-factor")
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account"
    with work() as w:
        latest = max(sessions.find_all(w.read, ada), key=lambda one: one.auth_time)
    assert (latest.amr, acr_of(latest.amr)) == ("otp mfa", "aal2")


def test_a_code_by_email_alone_is_aal1() -> None:
    assert acr_of(ONE_TIME_CODE) == "aal1"
    assert add_factor(ONE_TIME_CODE, ONE_TIME_CODE) == "otp mfa"
    assert add_factor(PASSWORD, ONE_TIME_CODE) == "pwd otp mfa"
    assert add_factor("otp mfa", ONE_TIME_CODE) == "otp mfa"
    assert add_factor(ONE_TIME_CODE, "swk") == "otp swk mfa"


class TestWhereTwoFactorsAreRequired:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"required_factor": "two-factor"})

    def test_a_code_by_email_does_not_meet_it(self, browser: Browser, ada: str, inbox: Inbox) -> None:
        """N-63."""
        ask(browser)
        assert browser.submit({"code": inbox.latest(ADDRESS).code}).path == "/account/two-factor"


def test_an_unknown_address_gets_the_same_pages_and_no_email(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, inbox: Inbox
) -> None:
    """N-61."""

    def seen(page: Page, address: str) -> tuple[int, str, str]:
        return page.status, page.path, page.text.replace(address, "ADDRESS")

    one, two = browser, new_browser()
    assert seen(ask(one), ADDRESS) == seen(ask(two, NOBODY), NOBODY)
    for _ in range(7):
        pages = seen(one.submit({"code": "1"}), ADDRESS), seen(two.submit({"code": "1"}), NOBODY)
        assert pages[0] == pages[1]
    assert inbox.letters(NOBODY) == []


def test_a_code_works_once(browser: Browser, ada: str, inbox: Inbox) -> None:
    """N-59."""
    url, code = ask(browser).url, inbox.latest(ADDRESS).code
    browser.submit({"code": code})
    browser.submit(action="/sign-out")
    browser.open(url)
    page = browser.submit({"code": code})
    assert not is_signed_in(browser)
    assert (page.status, WRONG in page.text) == (400, True)


def test_in_another_browser_the_code_is_wrong(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, inbox: Inbox
) -> None:
    """N-58: Someone who is tricked into reading out a code cannot be tricked with a link to this page, either."""
    page, other = ask(browser), new_browser()
    other.open(page.url)
    refused = other.submit({"code": inbox.latest(ADDRESS).code})
    assert (refused.status, WRONG in refused.text) == (400, True)
    assert not is_signed_in(other)


def test_a_code_expires(browser: Browser, ada: str, inbox: Inbox, clock: Clock) -> None:
    ask(browser)
    clock.advance(minutes=10, seconds=1)
    page = browser.submit({"code": inbox.latest(ADDRESS).code})
    assert (page.status, "That code has expired." in page.text) == (410, True)


def test_five_wrong_codes_end_the_code(browser: Browser, ada: str, inbox: Inbox, work: Work, clock: Clock) -> None:
    ask(browser)
    code = inbox.latest(ADDRESS).code
    for _ in range(5):
        assert browser.submit({"code": other_than(code)}).status == 400
        clock.advance(minutes=1)
    page = browser.submit({"code": code})
    assert (page.status, WRONG in page.text) == (400, True)
    failed = events(work, ada, "session.sign_in.failed")
    assert {one.get("method") for one in failed} == {"email_code"}


def test_wrong_codes_of_several_emails_have_to_wait(browser: Browser, ada: str, inbox: Inbox, often: None) -> None:
    for _ in range(2):
        ask(browser)
        code = inbox.latest(ADDRESS).code
        for _ in range(3):
            page = browser.submit({"code": other_than(code)})
    assert page.status == 429
    browser.cookies.clear()
    assert sign_in(browser).path == "/account"  # the password has a count of its own


def test_the_request_of_a_stranger_does_not_end_the_code(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, inbox: Inbox, often: None
) -> None:
    """N-62."""
    ask(browser)
    code = inbox.latest(ADDRESS).code
    ask(new_browser())
    assert len(inbox.letters(ADDRESS)) == 2
    assert browser.submit({"code": code}).path == "/account"


def test_asking_again_too_soon_sends_nothing_and_the_first_code_works(browser: Browser, ada: str, inbox: Inbox) -> None:
    ask(browser)
    page = browser.submit(button="Send a new code")
    assert "We've sent a new email, unless we sent one just now." in page.text
    [letter] = inbox.letters(ADDRESS)
    assert browser.submit({"code": letter.code}).path == "/account"


def test_a_sign_in_ends_the_other_codes(browser: Browser, ada: str, inbox: Inbox, work: Work, often: None) -> None:
    ask(browser)
    browser.submit(button="Send a new code")
    browser.submit({"code": inbox.latest(ADDRESS).code})
    with work() as w:
        found = links.find_latest(w.read, ada, Purpose.SIGN_IN)
        assert found is not None
        assert links.find_open_of_browser(w.read, ada, Purpose.SIGN_IN, found.browser_digest or b"", now=w.now) is None


def test_a_new_password_ends_the_code(browser: Browser, ada: str, inbox: Inbox, work: Work) -> None:
    ask(browser)
    code = inbox.latest(ADDRESS).code
    forgot = browser.new_tab()
    forgot.open("/forgot-password")
    forgot.submit({"email": ADDRESS})
    with work() as w:
        token = inbox.latest(ADDRESS).link.partition("token=")[2].partition("&")[0]
        password_reset.reset_password(w, token=token, password="another quiet afternoon")
    assert browser.submit({"code": code}).status == 400


def test_a_suspended_user_gets_no_code(browser: Browser, ada: str, inbox: Inbox, work: Work) -> None:
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    before = len(inbox.letters(ADDRESS))
    assert ask(browser).path == ENTER
    assert len(inbox.letters(ADDRESS)) == before


def test_a_user_who_is_leaving_may_keep_the_account(browser: Browser, ada: str, inbox: Inbox, work: Work) -> None:
    with work() as w:
        deletion.request_deletion(w, user_id=ada)
    ask(browser)
    page = browser.submit({"code": inbox.latest(ADDRESS).code})
    assert (page.status, "will be deleted" in page.text) == (403, True)
    assert not is_signed_in(browser)


def test_the_code_of_a_verification_email_is_no_sign_in(browser: Browser, inbox: Inbox, work: Work) -> None:
    """N-60."""
    with work() as w:
        make_user(w, verified=False)
    sign_in(browser)
    code = inbox.latest(ADDRESS).code
    ask(browser)
    assert browser.submit({"code": code}).status == 400
    assert not is_signed_in(browser)


def test_an_address_is_needed(browser: Browser) -> None:
    page = ask(browser, "ada")
    assert (page.status, "Enter an email address" in page.text) == (400, True)


@pytest.mark.both_databases
def test_a_code_that_is_typed_twice_at_once_counts_once(ada: str, browser: Browser, inbox: Inbox, work: Work) -> None:
    ask(browser)
    with work() as w:
        link = links.find_latest(w.read, ada, Purpose.SIGN_IN)
        assert link is not None
        assert links.spend(w.db, link.id, now=w.now)
    page = browser.submit({"code": inbox.latest(ADDRESS).code})
    assert (page.status, WRONG in page.text) == (400, True)


class TestOff:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url)

    def test_it_is_off_by_default(self, browser: Browser) -> None:
        assert "code by email" not in browser.open("/login").text
        assert browser.open(REQUEST).status == 404
        assert browser.open(ENTER).status == 404
