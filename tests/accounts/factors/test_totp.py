"""Turn two-factor sign-in on and off."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from provider.accounts.factors import removal, second_factor
from provider.accounts.factors.store import totp_setups
from provider.audit import store as audit
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import (
    ADDRESS,
    begin_set_up,
    code_of,
    is_signed_in,
    key_on,
    recovery_codes_on,
    sign_in,
    turn_on_two_factor,
)

pytestmark = pytest.mark.also_on_postgresql

SESSION = "__Host-signet"


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def is_on(work: Work, user_id: str) -> bool:
    with work() as w:
        return second_factor.is_enabled(w, user_id)


@pytest.mark.both_databases
def test_setting_up_shows_picture_key_and_address_and_counts_after_a_valid_code(
    browser: Browser, inbox: Inbox, ada: str, clock: Clock, work: Work
) -> None:
    """A-68. Replaces: TOTP set-up and removal."""
    sign_in(browser)
    key = begin_set_up(browser)
    page = browser.page
    assert page is not None
    assert "<svg" in page.html
    uri = page.links["Open your authenticator app on this device"]
    assert uri.startswith("otpauth://totp/Signet:ada%40example.test?secret=" + key)
    assert "issuer=Signet" in uri
    assert not is_on(work, ada)
    before = browser.cookies[SESSION]
    page = browser.submit({"code": code_of(key, clock.now)})
    assert is_on(work, ada)
    assert len(set(recovery_codes_on(page))) == 10
    assert page.response.headers["cache-control"] == "no-store"
    assert browser.cookies[SESSION] != before
    letter = inbox.latest(ADDRESS)
    assert letter.subject == "Two-factor authentication is on for your Signet account"
    assert key not in letter.text


def test_a_wrong_first_code_changes_nothing(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    sign_in(browser)
    key = begin_set_up(browser)
    page = browser.submit({"code": code_of(key, clock.now, steps=5)})
    assert page.status == 400
    assert page.title.startswith("Error: ")
    assert not is_on(work, ada)
    assert browser.submit({"code": code_of(key, clock.now)}).title.startswith("Save your recovery codes")


def test_the_key_is_never_shown_again(browser: Browser, ada: str, clock: Clock) -> None:
    """A-68, A-104."""
    sign_in(browser)
    key, codes = turn_on_two_factor(browser, clock.now)
    for path in ("/account", "/account/two-factor", "/account/two-factor/set-up", "/account/recovery-codes"):
        page = browser.open(path)
        assert key not in page.html.replace(" ", "")
        assert not any(code in page.html for code in codes)


def test_another_session_cannot_confirm_a_set_up(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, clock: Clock, work: Work
) -> None:
    """A-68."""
    sign_in(browser)
    key = begin_set_up(browser)
    form = browser.page
    other = new_browser()
    sign_in(other)
    assert other.open("/account/two-factor/set-up").path == "/account/two-factor"
    other_key = begin_set_up(other)
    assert other_key != key
    browser.page = form
    assert not browser.submit({"code": code_of(key, clock.now)}).title.startswith("Save")
    assert not is_on(work, ada)


@pytest.mark.both_databases
def test_a_replayed_confirmation_leads_on(browser: Browser, ada: str, clock: Clock) -> None:
    """A-68: reload after the codes were shown shows no second set."""
    sign_in(browser)
    key = begin_set_up(browser)
    form = browser.page
    browser.submit({"code": code_of(key, clock.now)})
    assert form is not None
    token = browser.open("/account/two-factor").form("code").find("csrf_token")
    assert token is not None
    browser.page = form
    page = browser.submit({"csrf_token": token.value, "code": code_of(key, clock.now)})
    assert page.path == "/account/two-factor"
    assert recovery_codes_on(page) == []


def test_a_stale_session_signs_in_again_first(browser: Browser, ada: str, clock: Clock) -> None:
    """A-68, A-74."""
    sign_in(browser)
    begin_set_up(browser)
    clock.advance(minutes=16)
    page = browser.submit({"code": "123456"})
    assert page.path == "/login"
    assert browser.open("/account/two-factor").path == "/login"


def test_a_set_up_is_over_after_half_an_hour(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    sign_in(browser)
    begin_set_up(browser)
    clock.advance(minutes=31)
    with work() as w:
        assert totp_setups.find(w.read, ada, session_id=ada, begun_after=clock.now) is None
    sign_in(browser)
    assert browser.open("/account/two-factor/set-up").path == "/account/two-factor"


@pytest.mark.both_databases
def test_other_sessions_end_when_it_is_turned_on(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, clock: Clock
) -> None:
    other = new_browser()
    sign_in(other)
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    assert is_signed_in(browser)
    assert not is_signed_in(other)


def test_a_new_device_replaces_the_old_one_only_when_confirmed(browser: Browser, ada: str, clock: Clock) -> None:
    """A-68: the old factor stays until the new one is confirmed."""
    sign_in(browser)
    old, old_codes = turn_on_two_factor(browser, clock.now)
    browser.open("/account/two-factor")
    new = key_on(browser.submit(button="Move to a new device"))
    clock.advance(minutes=1)
    sign_in(browser)
    assert browser.submit({"code": code_of(old, clock.now)}).path == "/account"
    browser.open("/account/two-factor")
    new = key_on(browser.submit(button="Move to a new device"))
    clock.advance(minutes=1)
    page = browser.submit({"code": code_of(new, clock.now)})
    assert set(recovery_codes_on(page)).isdisjoint(old_codes)
    clock.advance(minutes=1)
    sign_in(browser)
    assert browser.submit({"code": code_of(old, clock.now)}).status == 400
    assert browser.submit({"code": code_of(new, clock.now)}).path == "/account"


@pytest.mark.both_databases
def test_turning_off_needs_a_valid_code(
    browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, ada: str, clock: Clock, work: Work
) -> None:
    """A-74. Replaces: TOTP set-up and removal."""
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=1)
    browser.open("/account/two-factor")
    assert browser.submit({"code": "000000"}, button="Turn off").status == 400
    assert is_on(work, ada)
    page = browser.submit({"code": code_of(key, clock.now)}, button="Turn off")
    assert "Two-factor authentication is off" in page.text
    assert not is_on(work, ada)
    assert inbox.latest(ADDRESS).subject == "Two-factor authentication is off for your Signet account"
    assert is_signed_in(browser)
    assert sign_in(new_browser()).path == "/account"


def test_turning_off_takes_a_recovery_code_too(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    sign_in(browser)
    _, codes = turn_on_two_factor(browser, clock.now)
    browser.open("/account/two-factor")
    browser.submit({"code": codes[0]}, button="Turn off")
    assert not is_on(work, ada)


def test_five_wrong_codes_at_turning_off_end_the_session(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    """A-66: one counter for every place a code is typed."""
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=1)
    browser.open("/account/two-factor")
    for _ in range(4):
        browser.submit({"code": "000000"}, button="Turn off")
    assert browser.submit({"code": "000000"}, button="Turn off").path == "/login"
    assert not is_signed_in(browser)
    assert is_on(work, ada)


@in_one_world("path", ["begin", "set-up", "turn-off"])
def test_another_site_turns_nothing_on_or_off(browser: Browser, ada: str, path: str) -> None:
    """A-49."""
    sign_in(browser)
    response = browser.client.post(f"/account/two-factor/{path}", headers={"origin": "https://evil.test"})
    assert response.status_code == 403


def test_nobody_gets_here_without_signing_in(client: TestClient) -> None:
    for path in ("/account/two-factor", "/account/two-factor/set-up", "/account/recovery-codes"):
        response = client.get(path)
        assert response.status_code == 303
        assert response.headers["location"].startswith("/login?")


@pytest.mark.both_databases
def test_an_operator_resets_it(browser: Browser, inbox: Inbox, ada: str, clock: Clock, work: Work) -> None:
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    with work() as w:
        removal.reset(w, user_id=ada)
    assert inbox.latest(ADDRESS).subject == "Two-factor authentication is off for your Signet account"
    assert not is_signed_in(browser)
    assert sign_in(browser).path == "/account"
    with work() as w, pytest.raises(removal.NotTurnedOn):
        removal.reset(w, user_id=ada)


def test_neither_key_nor_codes_are_stored_in_clear(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    """A-104."""
    sign_in(browser)
    key, codes = turn_on_two_factor(browser, clock.now)
    with work() as w:
        rows = str(
            [w.read.exec_driver_sql(f"SELECT * FROM {name}").all() for name in ("totp_credentials", "recovery_codes")]
        )
        told = str(audit.find(w.read, user_id=ada))
    assert key not in rows + told
    assert not any(code in rows + told for code in codes)


def test_the_key_is_ours_to_choose(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    """N-43, A-68: a key, a seed or a URI in the form is not looked at."""
    chosen = "JBSWY3DPEHPK3PXP" * 2
    sign_in(browser)
    said = {"key": chosen, "secret": chosen, "seed": chosen, "uri": f"otpauth://totp/x?secret={chosen}"}
    csrf = browser.open("/account/two-factor").form(action="/account/two-factor/begin").find("csrf_token")
    assert csrf is not None
    headers = {"sec-fetch-site": "same-origin"}
    for path, more in (("begin", {}), ("set-up", {"code": code_of(chosen, clock.now)})):
        data = {"csrf_token": csrf.value, **said, **more}
        browser.client.post(f"/account/two-factor/{path}", data=data, headers=headers)
    assert not is_on(work, ada)
    assert chosen not in browser.open("/account/two-factor/set-up").html.replace(" ", "")
