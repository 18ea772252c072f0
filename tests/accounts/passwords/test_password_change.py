"""A new password while signed in: the current one, the rules, and what ends."""

from collections.abc import Callable
from datetime import datetime

import pytest
from starlette.testclient import TestClient

from provider.accounts import throttle
from provider.accounts.attempts import ALL_USERS
from provider.accounts.store import failures, users
from provider.ratelimits import LIMITS
from provider.sessions import store as sessions
from provider.work import Installation
from tests.accounts.factors.test_passkeys import add, use
from tests.support.authenticator import Authenticator
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, code_of, find_user, forgot_password, is_signed_in, sign_in, turn_on_two_factor
from tests.support.relying_party import RelyingParty, authorization_url

NEW = "a brand new and long password"


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    """Signed in at `browser`."""
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    return user_id


COOKIE = "__Host-signet-device"


@pytest.fixture
def guessed_at(work: Work, ada: str) -> None:
    """Strangers tried as many passwords as are free: the account waits."""
    for _ in range(throttle.PASSWORD.free or 0):
        with work() as w:
            throttle.reserve(w, throttle.PASSWORD, ada)


def failures_of(work: Work, ada: str) -> int:
    with work() as w:
        return failures.find_failures(w.read, throttle.PASSWORD.kind, ada)


def change(browser: Browser, *, current: str = PASSWORD, new: str = NEW) -> Page:
    browser.open("/account/password")
    return browser.submit({"Current password": current, "New password": new})


def test_a_person_changes_the_password_and_stays_signed_in_here(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, clock: Clock
) -> None:
    clock.advance(minutes=2)
    page = change(browser)
    assert page.title.startswith("Password changed")
    assert is_signed_in(browser)
    assert sign_in(new_browser()).status == 400
    assert sign_in(new_browser(), password=NEW).path == "/account"
    letter = next(letter for letter in inbox.letters(ADDRESS) if "password was changed" in letter.subject)
    assert "Device: " in letter.text
    assert "Time: " in letter.text
    assert NEW not in letter.text + letter.html


def test_everything_else_that_was_signed_in_ends(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work, ada: str, clock: Clock
) -> None:
    """A-84: sessions, pending sign-ins, reset links, and, by the mark, token families."""
    other = new_browser()
    sign_in(other)
    forgot_password(new_browser())
    link = inbox.latest(ADDRESS).link
    clock.advance(minutes=2)
    change(browser)
    assert not is_signed_in(other)
    assert new_browser().open(link).status == 410
    assert find_user(work).not_before == clock.now


def test_the_current_password_is_needed_and_guessing_it_is_slowed(browser: Browser, ada: str) -> None:
    """A-74, OWASP ASVS v5.0.0-6.2.3. Replaces: profile, password, confirm-password."""
    for _ in range(5):
        page = change(browser, current="a wrong guess")
        assert page.status == 400
        assert page.title.startswith("Error: ")
        assert "Wrong password. Try again." in page.text
    assert change(browser).status == 429


def test_at_a_known_device_the_password_is_changed_while_strangers_guess(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, ada: str, guessed_at: None
) -> None:
    """A-62: whoever is guessed at is the one who wants another password."""
    assert change(browser, current="mistyped").status == 400
    assert change(browser).title.startswith("Password changed")
    # Nobody who guesses was set back to zero by it.
    assert failures_of(work, ada) == throttle.PASSWORD.free
    assert sign_in(new_browser(), password=NEW).status == 429


def test_wrong_passwords_at_a_known_device_slow_that_device_alone(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, clock: Clock, ada: str
) -> None:
    """Whoever finds it unlocked may guess as much as with a stolen cookie, here and at the sign-in together."""
    for number in range(5):
        assert (
            change(browser, current="a guess") if number % 2 else sign_in(browser, password="a guess")
        ).status == 400
    page = change(browser)
    assert (page.status, page.response.headers["retry-after"]) == (429, "15")
    assert failures_of(work, ada) == 0
    assert sign_in(new_browser()).path == "/account"
    clock.advance(seconds=15)
    assert change(browser).title.startswith("Password changed")
    assert change(browser, current="a guess").status == 400  # the first of a new row


@pytest.mark.parametrize("value", [None, "A" * 43], ids=["no cookie", "a planted one"])
def test_without_its_cookie_a_browser_waits_like_anybody(
    browser: Browser, ada: str, guessed_at: None, value: str | None
) -> None:
    del browser.cookies[COOKIE]
    if value is not None:
        browser.cookies.set(COOKIE, value, domain="id.example.test", path="/")
    page = change(browser)
    assert (page.status, page.response.headers["retry-after"]) == (429, "15")


def test_in_a_rush_whoever_is_signed_in_is_no_stranger(
    browser: Browser, ada: str, installation: Installation, lower: Lower
) -> None:
    lower(all_logins="10/minute")
    for _ in range(10):
        installation.counter.hit(LIMITS.all_logins, ALL_USERS)
    del browser.cookies[COOKIE]
    assert change(browser).title.startswith("Password changed")


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("", "Enter a password."),
        ("short", "at least 8 characters"),
        ("password123", "too common"),
        ("ada@example.test1", "too similar"),
        ("x" * 1025, "too long"),
    ],
)
def test_the_rules_hold_for_a_change_too(browser: Browser, ada: str, new: str, problem: str) -> None:
    page = change(browser, new=new)
    assert page.status == 400
    assert problem in page.text
    assert sign_in(browser).path == "/account"


@pytest.mark.parametrize(
    "new", ["a" * 71 + "bcdef", " leading and trailing ", "with a \x00 in the middle", "Füße 密码 пароль"]
)
def test_a_password_is_taken_as_it_was_typed(browser: Browser, ada: str, new: str) -> None:
    """A-93."""
    assert change(browser, new=new).title.startswith("Password changed")
    assert sign_in(browser, password=new[:-1] + "?").status == 400
    assert sign_in(browser, password=new).path == "/account"


def test_whoever_has_a_second_factor_shows_it(browser: Browser, ada: str, clock: Clock) -> None:
    """A-74."""
    key, _ = turn_on_two_factor(browser, clock.now)
    assert change(browser).title.startswith("Password changed")
    clock.advance(minutes=20)
    assert browser.open("/account/password").path == "/login"
    page = browser.submit({"username": ADDRESS, "password": NEW})
    assert page.path == "/login/second-factor"
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account/password"


def session_of(work: Work, ada: str) -> tuple[str, datetime, bool]:
    with work() as w:
        (found,) = (one for one in sessions.find_all(w.read, ada) if one.ended_at is None)
    return found.amr, found.auth_time, found.proven_earlier


@pytest.mark.parametrize(("amr", "proven_earlier"), [("hwk user mfa", False), ("fed", True), ("pwd otp mfa", False)])
def test_a_typed_password_is_no_sign_in_with_the_factors_from_before(
    browser: Browser, work: Work, ada: str, clock: Clock, amr: str, proven_earlier: bool
) -> None:
    """OIDC Core section 2: `auth_time` is when the user was authenticated, with the methods in `amr`.

    An app that asks for a recent sign-in with a passkey must not get one from long ago (RFC 9470 section 4).
    """
    signed_in = clock.now
    with work() as w:
        rows = sessions.sessions
        w.db.execute(rows.update().values(amr=amr, proven_earlier=proven_earlier))
    clock.advance(minutes=25)
    assert change(browser).title.startswith("Password changed")
    assert session_of(work, ada) == (amr, signed_in, proven_earlier)


def test_a_typed_password_is_a_new_sign_in_where_it_was_the_only_factor(
    browser: Browser, work: Work, ada: str, clock: Clock
) -> None:
    """So that what needs a recent sign-in does not ask for it again."""
    clock.advance(minutes=25)
    change(browser)
    assert session_of(work, ada) == ("pwd", clock.now, False)


def test_a_passkey_that_was_used_earlier_is_asked_for_again(
    browser: Browser, client: TestClient, work: Work, ada: str, clock: Clock
) -> None:
    phone = Authenticator()
    add(browser, phone)
    use(browser, phone)
    clock.advance(minutes=25)
    change(browser)
    with work() as w:
        rp = RelyingParty(client, *make_client(w, first_party=True))
    page = browser.open(authorization_url(rp.client, acr_values="phr", max_age="300"))
    assert page.path == "/login"


def test_a_signed_out_visitor_is_sent_to_sign_in(browser: Browser) -> None:
    assert browser.open("/account/password").path == "/login"


def test_password_managers_find_the_page(browser: Browser, ada: str) -> None:
    """W3C, A Well-Known URL for Changing Passwords."""
    page = browser.open("/.well-known/change-password")
    assert page.path == "/account/password"
    for kind in ("username", "current-password", "new-password"):
        assert f'autocomplete="{kind}"' in page.html


def test_a_person_without_a_password_cannot_guess_one(browser: Browser, work: Work, ada: str) -> None:
    browser.open("/account/password")
    with work() as w:
        w.db.exec_driver_sql("DELETE FROM passwords")
        assert users.find(w.read, ada) is not None
    assert browser.submit({"Current password": "", "New password": NEW}).status == 400
    with work() as w:
        assert w.read.exec_driver_sql("SELECT count(*) FROM passwords").scalar_one() == 0
