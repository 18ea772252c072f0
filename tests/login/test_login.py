"""Identifier and password: one neutral answer, counted per account, a new session each time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote, urlsplit

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from provider.accounts import suspension, throttle
from provider.accounts.store import passwords
from provider.accounts.store.failures import find_failures
from provider.config.settings import Settings
from provider.crypto.passwords import cost_of
from provider.destination import local_path
from provider.login.arrival import Arrival
from provider.login.password import WrongPassword, sign_in_by_password
from provider.refusals import TooManyRequests
from provider.sessions.store import sessions
from provider.work import Installation, Origin, unit_of_work
from tests.support.browser import Browser, Page, resolve
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, is_signed_in, sign_in, sign_up

NEUTRAL = "Wrong email address or password."


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def outline(page: Page) -> tuple[int, str, str, list[tuple[str, str]], int]:
    # What changes with every answer: ids and nonces, the form's token, what was typed.
    changing = {"x-request-id", "content-security-policy", "content-length", "set-cookie"}
    headers = sorted((name, value) for name, value in page.response.headers.items() if name not in changing)
    return page.status, page.title, page.text, headers, len(page.response.headers.get_list("set-cookie"))


@pytest.mark.parametrize("state", ["unknown", "active", "suspended", "unverified", "passwordless", "no address"])
def test_every_failed_sign_in_looks_alike(browser: Browser, work: Work, state: str) -> None:
    """A-61, ASVS v5.0.0-6.3.8."""
    email = "not an address" if state == "no address" else ADDRESS
    with work() as w:
        make_user(w, "somebody@example.test")
        if state in {"active", "suspended", "unverified", "passwordless"}:
            user_id = make_user(w, verified=state != "unverified")
    with work() as w:
        if state == "suspended":
            suspension.suspend(w, user_id=user_id, reason=None)
        if state == "passwordless":
            w.db.execute(passwords.passwords.delete().where(passwords.passwords.c.user_id == user_id))
    expected = outline(sign_in(browser, "somebody@example.test", password="wrong password"))
    for password in ("wrong password", "", "x" * 10_000, PASSWORD + " ", PASSWORD.upper()):
        page = sign_in(browser, email, password=password)
        assert outline(page) == expected
        assert page.status == 400
        assert page.title.startswith("Error: ")
        assert NEUTRAL in page.text
        assert f'value="{email}"' in page.html  # kept, unlike the password
        assert not is_signed_in(browser)


def test_a_suspended_person_is_told_after_the_right_password_only(browser: Browser, work: Work, ada: str) -> None:
    """A-105. Replaces: inactive until verified, refused when suspended."""
    with work() as w:
        suspension.suspend(w, user_id=ada, reason="abuse of the service")
    page = sign_in(browser)
    assert page.status == 403
    assert "suspended" in page.text
    assert "abuse" not in page.text
    assert not is_signed_in(browser)


def test_every_sign_in_makes_a_new_session_and_ends_the_one_before(browser: Browser, ada: str) -> None:
    """A-47, ASVS v5.0.0-7.2.4."""
    planted = "A" * 43
    browser.cookies.set("__Host-signet", planted, domain="id.example.test")
    browser.open("/login")
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    first = browser.cookies["__Host-signet"]
    assert first != planted
    sign_in(browser)
    second = browser.cookies["__Host-signet"]
    assert second != first
    assert is_signed_in(browser)
    browser.cookies.set("__Host-signet", first, domain="id.example.test")
    assert not is_signed_in(browser)


def open_sessions(work: Work) -> list[tuple[str, str, str]]:
    with work() as w:
        rows = w.read.execute(select(sessions).where(sessions.c.ended_at.is_(None))).all()
    return [(row.id, row.user_id, row.amr) for row in rows]


def test_proving_it_again_keeps_the_session_the_apps_know(browser: Browser, ada: str, work: Work, clock: Clock) -> None:
    """Otherwise every look at the account's settings would sign the person out of every application."""
    sign_in(browser)
    before = open_sessions(work)
    clock.advance(hours=23)
    sign_in(browser)
    assert len(open_sessions(work)) == 2  # the one before was over already
    clock.advance(minutes=30)
    before = open_sessions(work)
    sign_in(browser)
    assert sorted(open_sessions(work)) == sorted(before)
    with work() as w:
        latest = w.read.scalar(select(func.max(sessions.c.auth_time)))
    assert latest == clock.now


def test_somebody_else_at_the_browser_gets_a_session_of_their_own(browser: Browser, ada: str, work: Work) -> None:
    """A-53. Both stay signed in (`test_several_accounts`)."""
    with work() as w:
        eve = make_user(w, "eve@example.test")
    sign_in(browser)
    [adas] = open_sessions(work)
    sign_in(browser, "eve@example.test")
    [(eves, user_id, _)] = [session for session in open_sessions(work) if session != adas]
    assert user_id == eve
    assert eves != adas[0]


def test_cookies_are_opaque_and_bound_to_the_host(browser: Browser, ada: str) -> None:
    """A-97, ASVS v5.0.0-3.3."""
    browser.open("/login")
    page = browser.page
    assert page is not None
    token = page.form("username").find("csrf_token")
    assert token is not None
    data = {"username": ADDRESS, "password": PASSWORD, "csrf_token": token.value}
    response = browser.client.post("/login", data=data)
    assert response.status_code == 303
    assert response.headers["cache-control"] == "no-store"
    for cookie in response.headers.get_list("set-cookie"):
        name, _, attributes = cookie.partition("=")
        assert name.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in attributes.split(";")}
        assert "samesite=lax" in attributes.lower()
        assert "domain" not in attributes.lower()
        assert ada not in cookie


@in_one_world("headers", [{}, {"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}])
@in_one_world("token", ["", "forged", "of another browser"])
def test_another_site_signs_nobody_in(
    client: TestClient, new_browser: Callable[[], Browser], ada: str, headers: dict[str, str], token: str
) -> None:
    """A-48: login CSRF."""
    client.get("/login")
    if token == "of another browser":
        field = new_browser().open("/login").form("username").find("csrf_token")
        assert field is not None
        token = field.value
    data = {"username": ADDRESS, "password": PASSWORD, "csrf_token": token}
    response = client.post("/login", data=data, headers=headers)
    assert response.status_code == 403
    assert "__Host-signet" not in response.cookies


def test_wrong_passwords_slow_an_account_whoever_and_wherever_they_are(
    browser: Browser, new_browser: Callable[[], Browser], clock: Clock, ada: str
) -> None:
    """A-62, ASVS v5.0.0-6.3.1: five tries, then a wait that doubles up to 15 minutes; never a lock-out."""
    for _ in range(5):
        assert sign_in(new_browser(), password="wrong").status == 400
    page = sign_in(browser)
    assert page.status == 429
    assert page.response.headers["retry-after"] == "15"
    assert "Wait 15 seconds" in page.text
    clock.advance(seconds=15)
    assert sign_in(browser, password="wrong").status == 400
    assert sign_in(browser).response.headers["retry-after"] == "30"
    clock.advance(seconds=30)
    assert sign_in(browser).path == "/account"
    assert sign_in(browser, password="wrong").status == 400  # success forgot the failures
    assert sign_in(browser).path == "/account"


def test_an_unknown_address_is_slowed_alike(browser: Browser, ada: str) -> None:
    """A-61: the wait does not tell who has an account."""
    answers = [[sign_in(browser, email, password="wrong").status for _ in range(7)] for email in (ADDRESS, "x@y.test")]
    assert answers[0] == answers[1] == [400] * 5 + [429] * 2
    typed_otherwise = sign_in(browser, " X@Y.test ", password="wrong")
    assert typed_otherwise.status == 429


def test_the_wait_never_grows_beyond_a_quarter_of_an_hour() -> None:
    waits = [throttle.PASSWORD.wait_after(failed).total_seconds() for failed in (4, 5, 6, 10, 11, 12, 500, 10**9)]
    assert waits == [0, 15, 30, 480, 900, 900, 900, 900]


def test_one_password_over_many_accounts_is_stopped_per_network(browser: Browser, work: Work, lower: Lower) -> None:
    """A-62."""
    lower(login="6/5minutes")
    statuses = [sign_in(browser, f"person{number}@example.test", password="Spring2026").status for number in range(7)]
    assert statuses == [400] * 6 + [429]


def test_right_passwords_from_one_network_are_not_limited(browser: Browser, ada: str, lower: Lower) -> None:
    """An office, or a school, shares one address."""
    lower(login="4/5minutes", all_logins="4/minute")
    assert {sign_in(browser).status for _ in range(6)} == {200}


@pytest.mark.both_databases
def test_of_many_wrong_passwords_at_once_only_the_allowed_ones_are_checked(
    installation: Installation, work: Work, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-118: counted before the check."""
    checked: list[str | None] = []
    monkeypatch.setattr(
        "provider.accounts.passwords.passwords.is_password_of", lambda _work, whose, _password: checked.append(whose)
    )
    monkeypatch.setattr(installation.counter, "look", lambda *_: None)

    def attempt(number: int) -> str:
        try:
            with unit_of_work(installation, Origin(network=f"127.0.0.{number}")) as w:
                sign_in_by_password(w, Arrival(), username=ADDRESS, password="wrong")
        except WrongPassword:
            return "wrong"
        except TooManyRequests:
            return "slowed"
        return "in"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(50)))
    assert answers.count("wrong") == 5
    assert answers.count("slowed") == 45
    assert checked.count(ada) == 5
    with work() as w:
        assert find_failures(w.read, "password", ada) == 5


@pytest.mark.both_databases
def test_a_hash_of_a_lower_cost_is_replaced_at_sign_in(
    browser: Browser, installation: Installation, work: Work, ada: str
) -> None:
    stronger = installation.settings.model_copy(update={"bcrypt_cost": 5})
    object.__setattr__(installation, "settings", stronger)
    assert sign_in(browser).path == "/account"
    with work() as w:
        hashed = passwords.find(w.read, ada)
    assert hashed is not None
    assert cost_of(hashed) == 5
    assert sign_in(browser).path == "/account"


def test_who_is_signed_in_goes_on_unless_asked_to_prove_it_again(browser: Browser, ada: str) -> None:
    sign_in(browser)
    assert browser.open("/login").path == "/account"
    assert browser.open("/login?return_to=/account/sessions").path == "/account/sessions"
    page = browser.open("/login?prompt=login&return_to=/account/sessions")
    assert page.path == "/login"
    assert f'value="{ADDRESS}"' in page.html
    assert browser.submit({"password": PASSWORD}).path == "/account/sessions"


ELSEWHERE = ["//evil.test", "/\\evil.test", "/%09/evil.test", "\\\\evil.test", "///evil.test", "https://evil.test"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_what_a_browser_takes_for_another_site_is_no_way_on(target: str) -> None:
    """By itself: in a redirect a backslash is percent-encoded besides, in a link on a page it is not."""
    assert urlsplit(resolve(f"{ISSUER}/login", unquote(target))).hostname == "evil.test"
    assert local_path(unquote(target)) is None


@pytest.mark.parametrize("target", [*ELSEWHERE, "javascript:alert(1)", "evil"])
def test_the_way_on_never_leaves_this_site(browser: Browser, ada: str, target: str) -> None:
    browser.open(f"/login?return_to={target}")
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert browser.left_to is None
    assert page.url.startswith(f"{ISSUER}/")


def test_a_stale_session_leads_to_the_sign_in_and_back(browser: Browser, ada: str, clock: Clock) -> None:
    sign_in(browser)
    clock.advance(hours=2)
    assert browser.open("/account/sessions").path == "/login"
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == "/account/sessions"


def test_a_session_ends_after_a_day_however_busy(browser: Browser, ada: str, clock: Clock) -> None:
    """ASVS v5.0.0-7.3.2."""
    sign_in(browser)
    for _ in range(47):
        clock.advance(minutes=30)
        assert is_signed_in(browser)
    clock.advance(minutes=30)
    assert not is_signed_in(browser)


def test_the_page_suits_password_managers_and_keeps_headers_tight(browser: Browser) -> None:
    page = browser.open("/login")
    assert 'name="username"' in page.html
    assert 'autocomplete="username webauthn"' in page.html
    assert 'autocomplete="current-password"' in page.html
    headers = page.response.headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "unsafe-inline" not in headers["content-security-policy"]


class TestWithoutPasswordReset:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"features": settings.features - {"reset-passwords", "two-factor"}})

    def test_no_page_links_to_it(self, browser: Browser, client: TestClient, ada: str) -> None:
        assert "/forgot-password" not in browser.open("/login").html
        page = sign_in(browser)
        assert "/forgot-password" not in page.html
        assert "/account/two-factor" not in page.html
        assert client.get("/forgot-password").status_code == 404
        assert client.get("/account/two-factor").status_code == 404
        assert browser.open("/.well-known/change-password").path == "/account/password"


def test_the_password_of_a_claim_opens_its_own_page_and_resets_no_failure_of_the_owner(
    new_browser: Callable[[], Browser], ada: str, work: Work
) -> None:
    """Decision 41: an attacker who signed up with the address could else guess at the owner's password without end."""
    claim = "a password that the claim was made with"
    sign_up(new_browser(), password=claim)
    for _ in range(3):
        assert sign_in(new_browser(), password="a wrong guess").status == 400
    assert sign_in(new_browser(), password=claim).path == "/verify-email"
    with work() as w:
        assert find_failures(w.read, "password", ada) == 4


def test_the_sign_in_page_leads_to_a_new_password_and_to_a_new_account(browser: Browser) -> None:
    """Each link stands once: at the password, and on a line of its own."""
    page = browser.open("/login")
    assert page.links["Forgot password?"] == "/forgot-password"
    assert page.links["Create an account"] == "/signup"
    password = page.html.index('id="password"')
    assert password < page.html.index("Forgot password?") < page.html.index('type="submit"')
    assert page.html.index('type="submit"') < page.html.index("Create an account")


def test_a_wrong_password_is_marked_where_it_is_typed_again(browser: Browser, ada: str) -> None:
    """WCAG 2.2 SC 3.3.1."""
    page = sign_in(browser, password="wrong password")
    assert 'href="#password"' in page.html
    assert 'aria-describedby="password-error"' in page.html
    assert "username-error" not in page.html
