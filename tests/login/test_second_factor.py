"""The second factor: at sign-in and for step-up; each code once, failures counted per account."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from provider.accounts import throttle
from provider.accounts.factors import second_factor, totp
from provider.accounts.factors.factor import WrongSecondFactor
from provider.accounts.factors.recovery_codes import WrongRecoveryCode
from provider.accounts.factors.totp import TOTP
from provider.accounts.store.failures import find_failures
from provider.config.settings import Settings
from provider.crypto.digests import digest
from provider.login.arrival import Arrival
from provider.login.next_factor import Step
from provider.login.password import sign_in_by_password
from provider.login.second_factor import show_second_factor
from provider.refusals import Refusal
from provider.sessions import store
from provider.sessions.active import find_active
from provider.sessions.idle import idle_since
from provider.work import Installation, unit_of_work
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, is_signed_in, key_on, sign_in, turn_on_two_factor

SESSION = "__Host-signet"


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def factor(new_browser: Callable[[], Browser], ada: str, clock: Clock) -> tuple[str, list[str]]:
    """Ada turned two-factor sign-in on a while ago: the key and the recovery codes."""
    browser = new_browser()
    sign_in(browser)
    both = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=2)
    return both


def wrong(key: str, clock: Clock) -> str:
    near = {code_of(key, clock.now, steps=steps) for steps in (-1, 0, 1)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)


def test_the_code_finishes_the_sign_in_under_a_new_session_id(
    browser: Browser, factor: tuple[str, list[str]], clock: Clock
) -> None:
    """A-47."""
    page = sign_in(browser)
    assert page.path == "/login/second-factor"
    pending = browser.cookies[SESSION]
    code = code_of(factor[0], clock.now)
    page = browser.submit({"code": f" {code[:3]} {code[3:]}"})
    assert page.path == "/account"
    full = browser.cookies[SESSION]
    assert full != pending
    browser.cookies.set(SESSION, pending, domain="id.example.test")
    assert not is_signed_in(browser)
    assert browser.open("/login/second-factor").path == "/login"


@pytest.mark.usefixtures("factor")
def test_a_pending_session_is_good_for_nothing_else(browser: Browser, ada: str, clock: Clock) -> None:
    """A-69, ASVS v5.0.0-2.3.1. Replaces: sign-in in two steps."""
    sign_in(browser)
    for path in ("/account", "/account/sessions", "/account/two-factor", "/account/recovery-codes", "/signup"):
        page = browser.open(path)
        assert page.path in {"/login", "/signup"}
    browser.open("/login/second-factor")
    assert browser.submit().status == 400  # an empty code
    clock.advance(minutes=5)
    assert browser.open("/login/second-factor").path == "/login"


def test_proving_it_again_starts_from_the_password(
    browser: Browser, factor: tuple[str, list[str]], clock: Clock
) -> None:
    """A-69: the level of before does not count until both factors were shown again."""
    sign_in(browser)
    browser.submit({"code": code_of(factor[0], clock.now)})
    assert sign_in(browser).path == "/login/second-factor"
    assert not is_signed_in(browser)
    clock.advance(minutes=1)
    sign_in(browser)
    assert browser.submit({"code": code_of(factor[0], clock.now)}).path == "/account"


def test_without_a_pending_session_the_way_on_is_the_sign_in(browser: Browser) -> None:
    page = browser.open("/login/second-factor?return_to=/account/sessions")
    assert page.path == "/login"
    assert "return_to=%2Faccount%2Fsessions" in page.url


@pytest.mark.parametrize(("steps_away", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_to_either_side_is_accepted(
    browser: Browser, factor: tuple[str, list[str]], clock: Clock, steps_away: int, accepted: bool
) -> None:
    """A-65, RFC 6238 section 5.2."""
    sign_in(browser)
    page = browser.submit({"code": code_of(factor[0], clock.now, steps=steps_away)})
    assert (page.path == "/account") is accepted


def test_a_used_step_and_those_before_it_are_refused_everywhere(
    browser: Browser,
    new_browser: Callable[[], Browser],
    factor: tuple[str, list[str]],
    clock: Clock,
    ada: str,
    work: Work,
) -> None:
    """A-64, A-65, A-74, ASVS v5.0.0-6.5.1. Replaces: TOTP set-up and removal."""
    sign_in(browser)
    browser.submit({"code": code_of(factor[0], clock.now, steps=1)})
    other = new_browser()
    sign_in(other)
    for steps_away in (1, 0, -1):
        page = other.submit({"code": code_of(factor[0], clock.now, steps=steps_away)})
        assert page.status == 400
    browser.open("/account/two-factor")
    page = browser.submit({"code": code_of(factor[0], clock.now, steps=1)}, button="Turn off")
    assert page.status == 400
    with work() as w:
        assert second_factor.is_enabled(w, ada)
        assert find_failures(w.read, "second_factor", ada) == 4


@pytest.mark.parametrize(
    "code",
    ["", "12345", "1234567", "-12345", "12 34", "abcdef", "\x00" * 6],
)
def test_what_is_no_code_is_refused_without_a_crash(browser: Browser, factor: tuple[str, list[str]], code: str) -> None:
    """A-65."""
    sign_in(browser)
    page = browser.submit({"code": code})
    assert page.status == 400
    assert page.title.startswith("Error: ")


def test_a_code_is_read_as_phones_and_people_write_it(
    browser: Browser, factor: tuple[str, list[str]], work: Work, clock: Clock, ada: str
) -> None:
    """None of these counts as a failure. The same for each kind of code: tests/test_typed_codes.py."""
    full_width = {48 + digit: 0xFF10 + digit for digit in range(10)}
    arabic = {48 + digit: 0x0660 + digit for digit in range(10)}
    for spelled in (
        lambda code: code.translate(full_width),
        lambda code: f"{code[:3]}\u2009{code[3:]}".translate(arabic),
        lambda code: f"\ufeffCode: {code[:3]}\u2011{code[3:]}.",
    ):
        clock.advance(minutes=1)
        sign_in(browser)
        assert browser.submit({"code": spelled(code_of(factor[0], clock.now))}).path == "/account"
        with work() as w:
            assert find_failures(w.read, "second_factor", ada) == 0


def test_a_code_of_somebody_elses_key_is_wrong(
    browser: Browser, new_browser: Callable[[], Browser], factor: tuple[str, list[str]], work: Work, clock: Clock
) -> None:
    with work() as w:
        make_user(w, "eve@example.test")
    other = new_browser()
    sign_in(other, "eve@example.test")
    key, codes = turn_on_two_factor(other, clock.now)
    sign_in(browser)
    assert browser.submit({"code": code_of(key, clock.now)}).status == 400
    browser.follow("Lost your device?")
    assert browser.submit({"code": codes[0]}).status == 400


def test_the_fifth_wrong_code_ends_the_sign_in(browser: Browser, factor: tuple[str, list[str]], clock: Clock) -> None:
    sign_in(browser)
    for _ in range(4):
        assert browser.submit({"code": wrong(factor[0], clock)}).status == 400
    page = browser.submit({"code": wrong(factor[0], clock)})
    assert page.path == "/login"
    assert "Too many wrong codes" in page.text
    assert browser.open("/login/second-factor").path == "/login"


@pytest.mark.both_databases
def test_failures_are_counted_per_account_and_lock_the_factor(
    browser: Browser,
    new_browser: Callable[[], Browser],
    factor: tuple[str, list[str]],
    clock: Clock,
    work: Work,
    ada: str,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    installation: Installation,
) -> None:
    """A-66, NIST SP 800-63B section 3.2.2: over fresh sign-ins; the recovery code is the way out."""
    monkeypatch.setattr(installation.counter, "look", lambda *_: None)
    guesses = 90
    for _ in range(guesses):
        with work() as w:
            throttle.reserve(w, throttle.SECOND_FACTOR, ada)
    while guesses < 100:
        attacker = new_browser()
        sign_in(attacker)
        for _ in range(5):
            attacker.submit({"code": wrong(factor[0], clock)})
            guesses += 1
    sign_in(browser)
    page = browser.submit({"code": code_of(factor[0], clock.now)})
    assert page.status == 400
    assert "locked" in page.text
    with work() as w:
        assert find_failures(w.read, "second_factor", ada) == throttle.SECOND_FACTOR.ceiling
    browser.follow("Lost your device?")
    page = browser.submit({"code": factor[1][0]})
    assert page.path == "/account"
    sign_in(browser)
    clock.advance(minutes=1)
    assert browser.submit({"code": code_of(factor[0], clock.now)}).path == "/account"


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda code: code.replace("-", ""),
    lambda code: "4. " + code.replace("-", "\u2013"),
)


@pytest.mark.both_databases
def test_a_recovery_code_works_once_however_it_is_spelled(
    browser: Browser, factor: tuple[str, list[str]], inbox: Inbox
) -> None:
    """A-72, ASVS v5.0.0-6.5.1; the person is told by letter. Replaces: recovery codes."""
    for number, spell in enumerate(SPELLINGS, start=1):
        code = spell(factor[1][number])
        sign_in(browser)
        browser.follow("Lost your device?")
        assert browser.submit({"code": code}).path == "/account"
        subject = "A recovery code was used for your Signet account"
        letter = [one for one in inbox.letters(ADDRESS) if one.subject == subject][-1]
        assert f"You have {10 - number} codes left." in letter.text
        assert code not in letter.text
        sign_in(browser)
        browser.follow("Lost your device?")
        assert browser.submit({"code": code}).status == 400


def test_a_recovery_code_is_no_password_and_no_totp_code(browser: Browser, factor: tuple[str, list[str]]) -> None:
    """A-72."""
    assert sign_in(browser, password=factor[1][0]).status == 400
    sign_in(browser)
    assert browser.submit({"code": factor[1][0]}).status == 400


@pytest.mark.both_databases
def test_the_same_code_on_many_sign_ins_at_once_finishes_one(
    installation: Installation, factor: tuple[str, list[str]], clock: Clock, work: Work, ada: str
) -> None:
    """A-113."""
    code = code_of(factor[0], clock.now)
    cookies = []
    for _ in range(8):
        with work() as w:
            signed_in = sign_in_by_password(w, Arrival(), username=ADDRESS, password=PASSWORD)
            assert signed_in.step is Step.SECOND_FACTOR
            cookies.append(signed_in.cookie)

    def finish(cookie: str) -> bool:
        with unit_of_work(installation) as w:
            session = find_active(w.read, digest(cookie), now=w.now, idle_since=idle_since(w))
            assert session is not None
            try:
                show_second_factor(w, session, factor=TOTP, code=code)
            except Refusal:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(finish, cookies)) == [False] * 7 + [True]


def test_a_sign_in_that_the_release_before_began_is_finished(
    browser: Browser, factor: tuple[str, list[str]], clock: Clock, work: Work
) -> None:
    """Its rows say "totp" in `pending`, which this release writes no more."""
    sign_in(browser)
    with work() as w:
        waiting = update(store.sessions).where(store.sessions.c.pending == Step.SECOND_FACTOR)
        assert w.db.execute(waiting.values(pending="totp")).rowcount == 1
    assert not is_signed_in(browser)
    assert browser.open("/login/second-factor").title.startswith("Enter your code")
    assert browser.submit({"code": code_of(factor[0], clock.now)}).path == "/account"


def test_step_up_asks_for_the_factor_and_goes_on(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, clock: Clock
) -> None:
    sign_in(browser)
    # A session older than the factor: nothing ended it, as the factor was turned on by an operator's tool, say.
    other = new_browser()
    sign_in(other)
    key, _ = turn_on_two_factor(other, clock.now)
    clock.advance(minutes=1)
    assert not is_signed_in(browser)
    sign_in(browser)
    before = browser.cookies[SESSION]
    browser.open("/login/second-factor?return_to=/account/sessions")
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account/sessions"
    assert browser.cookies[SESSION] != before
    assert browser.open("/login/second-factor?return_to=/account/sessions").path == "/account/sessions"


def test_step_up_without_a_factor_leads_to_its_set_up_and_then_on(browser: Browser, ada: str, clock: Clock) -> None:
    sign_in(browser)
    page = browser.open("/login/second-factor?return_to=/account/sessions")
    assert page.path == "/account/two-factor"
    page = browser.submit(button="Turn on two-factor authentication")
    browser.submit({"code": code_of(key_on(page), clock.now)})
    assert browser.follow("I've saved these codes").path == "/account/sessions"


class TestBypassCode:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        changes = {"env": "development", "issuer": settings.issuer, "totp_bypass_code": "let-me-in"}
        return settings.model_copy(update=changes)

    def test_it_is_accepted_in_development(self, browser: Browser, factor: tuple[str, list[str]]) -> None:
        """A-71; the settings refuse it anywhere else. Replaces: bypass code."""
        sign_in(browser)
        assert browser.submit({"code": "let-me-in"}).path == "/account"


@pytest.mark.parametrize("code", ["let-me-in", "000000", "123456"])
def test_without_the_setting_a_bypass_code_is_a_wrong_code(
    work: Work, factor: tuple[str, list[str]], browser: Browser, code: str
) -> None:
    """A-71. Replaces: bypass code."""
    sign_in(browser)
    assert browser.submit({"code": code}).status == 400


def test_a_pure_check_of_the_code_knows_its_step(work: Work, clock: Clock) -> None:
    key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    with work() as w:
        current = int(clock.now.timestamp()) // 30
        for away in (-1, 0, 1):
            assert totp.matching_step(w, key, code_of(key, clock.now, steps=away)) == current + away
        assert totp.matching_step(w, key, code_of(key, clock.now, steps=2)) is None
    assert issubclass(WrongRecoveryCode, WrongSecondFactor)
