"""Staying signed in after the browser was closed: by the user's choice, for as long as operators set."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from provider.accounts import data_export, suspension
from provider.config.settings import Settings
from provider.sessions import store
from provider.sessions.store import Session
from provider.work import Installation
from tests.support.authenticator import Authenticator, question_of
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, is_signed_in, sign_in, sign_up, turn_on_two_factor
from tests.support.several_accounts import ACCOUNTS, CHOOSER, SESSION, accounts_on

KEPT = "__Host-signet-kept"
LABEL = "Keep me signed in for 30 days"
EVE = "eve@example.test"
NewBrowser = Callable[[], Browser]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"keep_signed_in_days": 30, "email_code_sign_in": True})


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        make_user(w, EVE)
        return make_user(w)


@pytest.fixture
def set_up(installation: Installation) -> Callable[..., None]:
    def change(**settings: object) -> None:
        object.__setattr__(installation, "settings", installation.settings.model_copy(update=settings))

    return change


def stay(browser: Browser, email: str = ADDRESS, *, password: str = PASSWORD, keep: bool = True) -> Page:
    """Sign in at the sign-in page of a browser, which may have other accounts."""
    browser.open("/login?prompt=select_account")
    return browser.submit({"username": email, "password": password} | ({LABEL: "on"} if keep else {}))


def close(browser: Browser) -> None:
    """Close the browser: cookies without Max-Age are gone (RFC 6265 section 5.3)."""
    browser.cookies.jar.clear_session_cookies()


def sessions_of(work: Work, user_id: str) -> list[Session]:
    with work() as w:
        return store.find_all(w.read, user_id)


@pytest.mark.both_databases
def test_who_chooses_it_stays_signed_in_when_the_browser_is_closed(
    browser: Browser, ada: str, work: Work, clock: Clock
) -> None:
    assert stay(browser).path == "/account"
    (session,) = sessions_of(work, ada)
    assert session.kept
    assert session.expires_at == clock.now + timedelta(days=30)
    for _ in range(2):
        close(browser)
        assert SESSION not in browser.cookies
        assert browser.open("/account").path == "/account"
        assert SESSION in browser.cookies, "the same cookies as before"


def test_the_other_cookies_end_with_the_browser(browser: Browser, ada: str) -> None:
    stay(browser)
    (lasting,) = [one for one in browser.cookies.jar if one.name in {SESSION, ACCOUNTS, KEPT} and not one.discard]
    assert lasting.name == KEPT
    assert lasting.has_nonstandard_attr("HttpOnly")
    assert lasting.secure


def test_who_does_not_choose_it_is_signed_out_then(browser: Browser, ada: str, work: Work) -> None:
    stay(browser, keep=False)
    assert KEPT not in browser.cookies
    assert not sessions_of(work, ada)[0].kept
    close(browser)
    assert not is_signed_in(browser)


def test_it_ends_after_the_days_that_operators_set_however_often_it_is_used(
    browser: Browser, ada: str, clock: Clock
) -> None:
    stay(browser)
    for _ in range(3):
        clock.advance(days=9, hours=23)
        assert is_signed_in(browser)
    clock.advance(hours=4)
    assert not is_signed_in(browser)


def test_it_ends_after_its_own_time_without_use(browser: Browser, ada: str, clock: Clock) -> None:
    stay(browser)
    clock.advance(days=13)
    assert is_signed_in(browser)
    clock.advance(days=14, seconds=1)
    assert not is_signed_in(browser)


def test_the_limits_of_other_sessions_stay(browser: Browser, ada: str, clock: Clock) -> None:
    stay(browser, keep=False)
    clock.advance(hours=1, seconds=1)
    assert not is_signed_in(browser)


def test_the_box_is_not_there_unless_operators_offer_it(
    browser: Browser, ada: str, set_up: Callable[..., None], work: Work
) -> None:
    set_up(keep_signed_in_days=0)
    assert "Keep me signed in" not in browser.open("/login").text
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert KEPT not in browser.cookies
    assert not sessions_of(work, ada)[0].kept


def test_operators_turn_it_off(browser: Browser, ada: str, set_up: Callable[..., None], clock: Clock) -> None:
    """What users chose before counts no longer."""
    stay(browser)
    set_up(keep_signed_in_days=0)
    clock.advance(hours=1, seconds=1)
    assert not is_signed_in(browser), "the usual time without use"
    close(browser)
    assert not is_signed_in(browser)


def test_a_wrong_password_keeps_the_box_ticked(browser: Browser, ada: str) -> None:
    assert stay(browser, password="wrong").status == 400
    browser.submit({"password": PASSWORD})
    close(browser)
    assert is_signed_in(browser)


def test_each_account_of_a_browser_has_its_own_answer(browser: Browser, ada: str) -> None:
    stay(browser, ADDRESS)
    stay(browser, EVE, keep=False)
    close(browser)
    assert browser.open("/account").path == CHOOSER, "the current account ended, so the user chooses"
    assert list(accounts_on(browser.page.html if browser.page else "")) == [ADDRESS]


def test_the_current_account_is_the_one_before(browser: Browser, ada: str) -> None:
    stay(browser, ADDRESS)
    stay(browser, EVE)
    close(browser)
    assert EVE in browser.open("/account").text
    assert set(accounts_on(browser.open(CHOOSER).html)) == {ADDRESS, EVE}


def test_an_account_that_is_not_kept_leaves_nothing_in_the_browser(browser: Browser, ada: str) -> None:
    """A secret on the disk could be put back."""
    stay(browser, ADDRESS)
    stay(browser, EVE, keep=False)
    secret = browser.cookies[SESSION]
    assert secret not in browser.cookies[KEPT]
    stay(browser, EVE)
    assert browser.cookies[SESSION] in browser.cookies[KEPT]
    stay(browser, EVE, keep=False)
    assert browser.cookies[SESSION] not in browser.cookies[KEPT]


def test_signing_out_removes_it(browser: Browser, ada: str) -> None:
    stay(browser)
    browser.open("/account")
    browser.submit(button="Sign out")
    assert KEPT not in browser.cookies
    close(browser)
    assert not is_signed_in(browser)


def test_a_suspension_ends_it(browser: Browser, ada: str, work: Work) -> None:
    stay(browser)
    with work() as w:
        suspension.suspend(w, user_id=ada, reason="abuse")
    close(browser)
    assert not is_signed_in(browser)
    assert KEPT not in browser.cookies, "what leads to no session is deleted"


def test_a_change_of_the_password_ends_it_elsewhere_and_keeps_it_here(
    browser: Browser, new_browser: NewBrowser, ada: str, work: Work
) -> None:
    elsewhere = new_browser()
    stay(elsewhere)
    stay(browser)
    browser.open("/account/password")
    browser.submit({"Current password": PASSWORD, "New password": "another fine pass phrase"})
    for one in (elsewhere, browser):
        close(one)
    assert is_signed_in(browser)
    assert not is_signed_in(elsewhere)


def test_it_survives_the_second_factor(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    """A sign-in that still needs it leaves nothing that outlives the browser."""
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=2)
    assert stay(browser).path == "/login/second-factor"
    assert KEPT not in browser.cookies
    browser.submit({"code": code_of(key, clock.now)})
    close(browser)
    assert is_signed_in(browser)
    assert [one.amr for one in sessions_of(work, ada)] == ["pwd otp mfa"]


def by_code(browser: Browser, inbox: Inbox) -> None:
    browser.open("/login/email-code")
    browser.submit({"email": ADDRESS})
    browser.submit({"code": inbox.latest(ADDRESS).code, LABEL: "on"})


def by_sign_up(browser: Browser, inbox: Inbox) -> None:
    sign_up(browser, "new@example.test")
    browser.submit({"code": inbox.latest("new@example.test").code, LABEL: "on"})


def by_link_of_sign_up(browser: Browser, inbox: Inbox) -> None:
    sign_up(browser, "new@example.test")
    browser.open(inbox.latest("new@example.test").link)
    browser.submit({LABEL: "on"})


def by_passkey(browser: Browser, inbox: Inbox) -> None:
    """The script copies the answer into the form of the passkey."""
    phone = Authenticator()
    sign_in(browser)
    created = phone.create(question_of(browser.open("/account/passkeys")))
    browser.submit({"credential": created}, action="/account/passkeys")
    browser.cookies.clear()
    browser.open("/login")
    credential = phone.get(browser.client.get("/login/passkey").json())
    browser.submit({"credential": credential, "keep": "on"}, action="/login/passkey")


@pytest.mark.parametrize("way", [by_code, by_sign_up, by_link_of_sign_up, by_passkey])
def test_every_way_to_sign_in_offers_it(
    way: Callable[[Browser, Inbox], None], browser: Browser, ada: str, inbox: Inbox
) -> None:
    way(browser, inbox)
    close(browser)
    assert is_signed_in(browser)


def test_a_sign_up_that_needs_no_verified_address_offers_it(
    browser: Browser, ada: str, set_up: Callable[..., None], settings: Settings
) -> None:
    set_up(features=settings.features - {"email-verification"})
    browser.open("/signup")
    browser.submit({"email": "new@example.test", "password": PASSWORD, LABEL: "on"})
    close(browser)
    assert is_signed_in(browser)


def test_a_sensitive_page_still_needs_a_recent_sign_in_and_keeps_the_answer(
    browser: Browser, ada: str, clock: Clock
) -> None:
    stay(browser)
    clock.advance(days=2)
    close(browser)
    page = browser.open("/account/email")
    assert page.path == "/login"
    assert page.heading == "Confirm it's you"
    assert browser.submit({"password": PASSWORD}).path == "/account/email"
    close(browser)
    assert is_signed_in(browser)


def test_a_value_that_is_not_ours_signs_nobody_in(browser: Browser, ada: str) -> None:
    for value in ("", ".", "A" * 43, f".{'A' * 43}", "x" * 600, "..."):
        browser.cookies.set(KEPT, value, domain="id.example.test", path="/")
        assert browser.open("/account").path == "/login"


def test_it_is_shown_to_the_user_and_in_the_export(browser: Browser, ada: str, work: Work) -> None:
    stay(browser)
    assert "Stays signed in until" in browser.open("/account/sessions").text
    with work() as w:
        exported = json.loads(data_export.export(w, user_id=ada, applications=[]))
    assert [one["kept"] for one in exported["sessions"]] == [True]
    stay(browser, keep=False)
    assert "Stays signed in until" not in browser.open("/account/sessions").text
