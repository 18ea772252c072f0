"""Strangers who guess at an account slow each other down, not the devices of its owner; a rush slows every stranger."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from provider.accounts import deletion, known_devices, suspension
from provider.accounts.attempts import ALL_USERS
from provider.accounts.store import failures
from provider.accounts.store.known_devices import known_devices as table
from provider.login.arrival import Arrival
from provider.login.password import WrongPassword, sign_in_by_password
from provider.ratelimits import LIMITS
from provider.refusals import TooManyRequests
from provider.work import Installation, Origin
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, code_of, forgot_password, is_signed_in, sign_in, turn_on_two_factor

pytestmark = pytest.mark.also_on_postgresql

COOKIE = "__Host-signet-device"
NewBrowser = Callable[[], Browser]


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def known(browser: Browser, ada: str) -> Browser:
    """Ada's, who signed in and out there."""
    assert sign_in(browser).path == "/account"
    sign_out(browser)
    return browser


def sign_out(browser: Browser) -> None:
    del browser.cookies["__Host-signet"]


def test_the_newest_device_is_kept_although_the_clock_of_its_node_is_slow(work: Work, ada: str, clock: Clock) -> None:
    for _ in range(known_devices.MOST):
        with work() as w:
            known_devices.remember(w, user_id=ada, value=None)
    clock.advance(hours=-1)
    with work() as w:
        newest = known_devices.remember(w, user_id=ada, value=None)
    with work() as w:
        assert known_devices.find_known(w, newest, ada) is not None
        assert w.read.scalar(select(func.count()).select_from(table)) == known_devices.MOST


def hammer(work: Work, times: int = 200, *, username: str = ADDRESS) -> list[str]:
    """Wrong passwords from as many networks."""
    answers = []
    for number in range(times):
        try:
            with work(Origin(network=f"127.0.1.{number}")) as w:
                sign_in_by_password(w, Arrival(), username=username, password="wrong")
        except WrongPassword:
            answers.append("wrong")
        except TooManyRequests:
            answers.append("slowed")
    return answers


def rows(work: Work) -> int:
    with work() as w:
        return w.read.scalar(select(func.count()).select_from(table)) or 0


def test_a_known_device_signs_in_while_strangers_are_slowed(
    known: Browser, new_browser: NewBrowser, work: Work, ada: str
) -> None:
    """A-62: 200 wrong passwords from 200 networks."""
    assert hammer(work) == ["wrong"] * 5 + ["slowed"] * 195
    assert sign_in(new_browser()).status == 429
    assert sign_in(known, password="mistyped").status == 400
    assert sign_in(known).path == "/account"
    # Success resets only its own tier.
    assert sign_in(new_browser()).status == 429
    with work() as w:
        assert failures.find_failures(w.read, "password", ada) == 5


def test_a_known_device_is_not_held_up_by_its_network(known: Browser, new_browser: NewBrowser, lower: Lower) -> None:
    """An office, and somebody in it who tries one password over many accounts."""
    lower(login="6/5minutes")
    stranger = new_browser()
    for number in range(6):
        sign_in(stranger, f"person{number}@example.test", password="Spring2026")
    assert sign_in(stranger, "another@example.test").status == 429
    assert sign_in(known).path == "/account"


def test_a_stolen_device_cookie_gives_nothing_but_a_counter_of_its_own(
    known: Browser, new_browser: NewBrowser, work: Work, clock: Clock, ada: str
) -> None:
    thief = new_browser()
    thief.cookies.set(COOKIE, known.cookies[COOKIE], domain="id.example.test", path="/")
    assert not is_signed_in(thief)
    assert [sign_in(thief, password="wrong").status for _ in range(7)] == [400] * 5 + [429] * 2
    assert sign_in(thief).response.headers["retry-after"] == "15"
    # The account's own counter was not touched, and without the cookie the owner gets in.
    assert sign_in(new_browser()).path == "/account"
    with work() as w:
        make_user(w, "eve@example.test")
    # It is known to nobody else's account.
    assert hammer(work, 6, username="eve@example.test")[-1] == "slowed"
    assert sign_in(thief, "eve@example.test").status == 429
    clock.advance(seconds=15)
    assert sign_in(known).path == "/account"


def test_of_many_guesses_at_once_with_its_cookie_five_are_checked(known: Browser, work: Work, ada: str) -> None:
    """A-118."""
    device = known.cookies[COOKIE]

    def attempt(_: int) -> str:
        try:
            with work() as w:
                sign_in_by_password(w, Arrival(device=device), username=ADDRESS, password="wrong")
        except WrongPassword:
            return "wrong"
        except TooManyRequests:
            return "slowed"
        return "in"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(50))) == ["slowed"] * 45 + ["wrong"] * 5


def test_only_a_whole_sign_in_makes_a_device_known(
    known: Browser, new_browser: NewBrowser, work: Work, clock: Clock
) -> None:
    sign_in(known)
    key, _ = turn_on_two_factor(known, clock.now)
    clock.advance(minutes=1)
    other = new_browser()
    assert sign_in(other, password="wrong").status == 400
    assert sign_in(other).path == "/login/second-factor"
    assert COOKIE not in other.cookies
    assert rows(work) == 1
    other.submit({"code": code_of(key, clock.now)})
    assert other.cookies[COOKIE] != known.cookies[COOKIE]
    assert rows(work) == 2


def test_the_cookie_stays_is_opaque_and_stored_as_a_digest(known: Browser, work: Work, clock: Clock) -> None:
    value = known.cookies[COOKIE]
    assert len(value) == 43
    clock.advance(days=89)
    sign_in(known)
    assert known.cookies[COOKIE] == value
    with work() as w:
        [device] = w.read.execute(select(table)).all()
    assert device.last_used_at == clock.now
    assert value.encode() not in device.digest


def test_a_planted_value_never_becomes_known(browser: Browser, work: Work, ada: str) -> None:
    browser.cookies.set(COOKIE, "A" * 43, domain="id.example.test", path="/")
    sign_in(browser)
    assert browser.cookies[COOKIE] != "A" * 43
    with work() as w:
        assert known_devices.find_known(w, "A" * 43, ada) is None
        assert known_devices.find_known(w, browser.cookies[COOKIE], ada) is not None


def test_a_browser_of_two_people_is_known_to_both(known: Browser, work: Work, ada: str) -> None:
    with work() as w:
        eve = make_user(w, "eve@example.test")
    sign_in(known, "eve@example.test")
    with work() as w:
        both = [known_devices.find_known(w, known.cookies[COOKIE], user_id) for user_id in (ada, eve)]
    assert all(both)


def test_ninety_days_without_a_sign_in_make_a_stranger(known: Browser, work: Work, clock: Clock) -> None:
    clock.advance(days=90)
    hammer(work, 6)
    assert sign_in(known).status == 429


def test_an_account_knows_ten_devices_at_most(work: Work, clock: Clock, ada: str) -> None:
    values = []
    for _ in range(12):
        clock.advance(minutes=1)
        with work() as w:
            values.append(known_devices.remember(w, user_id=ada, value=None))
    with work() as w:
        assert [known_devices.find_known(w, value, ada) is not None for value in values] == [False] * 2 + [True] * 10


def reset(browser: Browser, work: Work, inbox: Inbox, ada: str) -> None:
    forgot_password(browser)
    browser.open(inbox.latest(ADDRESS).link)
    browser.submit({"password": "another horse, another battery"})


def suspend(browser: Browser, work: Work, inbox: Inbox, ada: str) -> None:
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)


def say_not_me(browser: Browser, work: Work, inbox: Inbox, ada: str) -> None:
    sign_in(browser)
    browser.open("/account/activity/not-me")
    browser.submit()


def sign_out_everywhere(browser: Browser, work: Work, inbox: Inbox, ada: str) -> None:
    sign_in(browser)
    browser.open("/account/sessions")
    browser.submit(button="everywhere")


def ask_for_deletion(browser: Browser, work: Work, inbox: Inbox, ada: str) -> None:
    with work() as w:
        deletion.request_deletion(w, user_id=ada)


@pytest.mark.parametrize("act", [reset, suspend, say_not_me, sign_out_everywhere, ask_for_deletion])
def test_what_throws_everybody_out_forgets_the_devices(
    known: Browser, work: Work, inbox: Inbox, ada: str, act: Callable[[Browser, Work, Inbox, str], None]
) -> None:
    assert rows(work) == 1
    act(known, work, inbox, ada)
    assert rows(work) == 0


@pytest.fixture
def rush(installation: Installation, lower: Lower) -> None:
    """As many failed sign-ins in this minute as fill the tier of everybody."""
    lower(all_logins="10/minute")
    for _ in range(10):
        installation.counter.hit(LIMITS.all_logins, ALL_USERS)


def test_failed_sign_ins_of_everybody_fill_the_global_tier(
    installation: Installation, work: Work, lower: Lower
) -> None:
    lower(all_logins="10/minute")
    for _ in range(9):
        installation.counter.hit(LIMITS.all_logins, ALL_USERS)
    assert hammer(work, 1) == ["wrong"]
    assert hammer(work, 1, username="x@example.test") == ["slowed"]


@pytest.mark.parametrize("username", [ADDRESS, "nobody@example.test"])
def test_in_a_rush_every_stranger_waits_a_little_and_gets_in(
    new_browser: NewBrowser, work: Work, clock: Clock, ada: str, rush: None, username: str
) -> None:
    """A slow-down, the same for an address nobody has (A-61)."""
    stranger = new_browser()
    page = sign_in(stranger, username)
    assert page.status == 429
    assert page.response.headers["retry-after"] == "10"
    clock.advance(seconds=4)
    assert sign_in(stranger, username).response.headers["retry-after"] == "6"
    clock.advance(seconds=6)
    assert sign_in(stranger, username, password="wrong").status == 400
    assert sign_in(stranger, username).status == 429
    clock.advance(seconds=10)
    assert sign_in(stranger, username).status == (200 if username == ADDRESS else 400)


def test_who_is_sent_to_wait_in_a_rush_does_not_slow_the_account(work: Work, ada: str, rush: None) -> None:
    assert hammer(work) == ["slowed"] * 200
    with work() as w:
        assert failures.find_failures(w.read, "password", ada) == 0


def test_a_known_device_does_not_notice_a_rush(known: Browser, rush: None) -> None:
    assert sign_in(known).path == "/account"
