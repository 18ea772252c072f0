"""Remembered devices: the password alone signs in there, and nothing that asks for two factors takes it for two."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from provider.accounts.factors import passkeys as passkey_rules
from provider.accounts.factors import remembered_devices
from provider.accounts.factors.store import passkeys
from provider.accounts.store import remembered_devices as store
from provider.audit import store as audit
from provider.audit.events import Event
from provider.config.settings import Settings
from provider.database.outages import DatabaseUnavailable
from provider.login.arrival import Arrival
from provider.login.next_factor import Step
from provider.login.password import sign_in_after_confirmation
from provider.work import Installation
from tests.accounts.account_with_everything import make_passkey
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, sign_in, turn_on_two_factor
from tests.support.relying_party import RelyingParty

COOKIE, DEVICE, SESSION = "__Host-signet-remembered", "__Host-signet-device", "__Host-signet"
LABEL = "Don't ask again on this device"
NewBrowser = Callable[[], Browser]


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def key(new_browser: NewBrowser, ada: str, clock: Clock) -> str:
    """Ada turned two-factor authentication on a while ago: the key of the app."""
    browser = new_browser()
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=2)
    return key


def show_factor(browser: Browser, key: str, clock: Clock, *, remember: bool = True) -> Page:
    assert sign_in(browser).path == "/login/second-factor"
    page = browser.submit({"code": code_of(key, clock.now)} | ({LABEL: "on"} if remember else {}))
    clock.advance(minutes=2)
    return page


def sign_out(browser: Browser) -> None:
    del browser.cookies[SESSION]


def plant(browser: Browser, other: Browser, *names: str) -> None:
    """Copy cookies, as who took a disk or a backup has them."""
    for name in names:
        browser.cookies.set(name, other.cookies[name], domain="id.example.test", path="/")


@pytest.fixture
def remembered(browser: Browser, key: str, clock: Clock) -> Browser:
    """A browser on which Ada is not asked again, where she signed out."""
    assert show_factor(browser, key, clock).path == "/account"
    sign_out(browser)
    return browser


def amr_of(work: Work, ada: str) -> str:
    with work() as w:
        return str(audit.find(w.read, user_id=ada, names=[Event.SIGNED_IN])[0].details.get("amr"))


@pytest.mark.also_on_postgresql
def test_a_remembered_device_signs_in_with_the_password_and_gets_a_new_value(
    remembered: Browser, work: Work, ada: str
) -> None:
    before = remembered.cookies[COOKIE]
    assert sign_in(remembered).path == "/account"
    assert remembered.cookies[COOKIE] != before
    assert amr_of(work, ada) == "pwd"
    with work() as w:
        (event,) = audit.find(w.read, user_id=ada, names=[Event.SIGNED_IN], limit=1)
        assert event.details["second_factor"] == "remembered_device"
    sign_out(remembered)
    assert sign_in(remembered).path == "/account"


def test_who_does_not_choose_it_is_asked_again(browser: Browser, key: str, clock: Clock) -> None:
    show_factor(browser, key, clock, remember=False)
    sign_out(browser)
    assert COOKIE not in browser.cookies
    assert sign_in(browser).path == "/login/second-factor"


def test_another_browser_is_asked(remembered: Browser, new_browser: NewBrowser) -> None:
    assert sign_in(new_browser()).path == "/login/second-factor"


def test_a_wrong_password_uses_nothing_up(remembered: Browser) -> None:
    before = remembered.cookies[COOKIE]
    assert sign_in(remembered, password="wrong").status == 400
    assert remembered.cookies[COOKIE] == before
    assert sign_in(remembered).path == "/account"


def test_the_confirmation_of_an_address_skips_no_second_factor(remembered: Browser, work: Work, ada: str) -> None:
    """NIST SP 800-63B section 3.1.3.1: the password was typed before, maybe in another sign-in."""
    arrival = Arrival(device=remembered.cookies[DEVICE], remembered=remembered.cookies[COOKIE])
    with work() as w:
        done = sign_in_after_confirmation(w, arrival, user_id=ada, password_at=w.now)
    assert done.step is Step.SECOND_FACTOR
    assert sign_in(remembered).path == "/account"


def test_both_cookies_are_needed(remembered: Browser, new_browser: NewBrowser) -> None:
    thief = new_browser()
    plant(thief, remembered, COOKIE)
    assert sign_in(thief).path == "/login/second-factor"
    assert sign_in(remembered).path == "/account"  # what lacks the device was not a use


def test_a_value_used_before_ends_it_for_both(remembered: Browser, new_browser: NewBrowser, work: Work) -> None:
    """A copied cookie works until the other browser is used, which must then show the second factor."""
    thief = new_browser()
    plant(thief, remembered, COOKIE, DEVICE)
    assert sign_in(thief).path == "/account"
    assert sign_in(remembered).path == "/login/second-factor"
    sign_out(thief)
    assert sign_in(thief).path == "/login/second-factor"
    with work() as w:
        (event,) = audit.find(w.read, user_id=None, names=[Event.REMEMBERED_DEVICE_REMOVED])
    assert event.details["reason"] == "replayed"


@pytest.mark.parametrize("change", ["", "A" * 43, "x"])
def test_a_changed_value_is_none(remembered: Browser, change: str) -> None:
    remembered.cookies.set(COOKIE, change, domain="id.example.test", path="/")
    assert sign_in(remembered).path == "/login/second-factor"


def test_the_cookie_of_one_user_is_nothing_to_another(
    remembered: Browser, new_browser: NewBrowser, work: Work, clock: Clock
) -> None:
    with work() as w:
        make_user(w, "eve@example.test")
    elsewhere = new_browser()
    sign_in(elsewhere, "eve@example.test")
    turn_on_two_factor(elsewhere, clock.now)
    assert sign_in(remembered, "eve@example.test").path == "/login/second-factor"


def test_two_users_of_one_browser_are_remembered_each(
    remembered: Browser, new_browser: NewBrowser, work: Work, clock: Clock
) -> None:
    with work() as w:
        make_user(w, "eve@example.test")
    elsewhere = new_browser()
    sign_in(elsewhere, "eve@example.test")
    key, _ = turn_on_two_factor(elsewhere, clock.now)
    clock.advance(minutes=2)
    sign_in(remembered, "eve@example.test")
    remembered.submit({"code": code_of(key, clock.now), LABEL: "on"})
    for _ in range(2):
        for address in (ADDRESS, "eve@example.test"):
            sign_out(remembered)
            assert sign_in(remembered, address).path == "/account"


def test_it_ends_after_the_days_that_operators_set_however_often_it_is_used(remembered: Browser, clock: Clock) -> None:
    clock.advance(days=29)
    assert sign_in(remembered).path == "/account"
    clock.advance(days=1)
    assert sign_in(remembered).path == "/login/second-factor"


def test_operators_turn_it_off(remembered: Browser, set_up: Callable[..., None]) -> None:
    """What was remembered before counts no longer."""
    set_up(remember_device_days=0)
    assert sign_in(remembered).path == "/login/second-factor"
    assert LABEL not in remembered.open("/login/second-factor").text


def test_it_has_no_effect_where_a_second_factor_is_required(remembered: Browser, set_up: Callable[..., None]) -> None:
    set_up(required_factor="two-factor")
    assert sign_in(remembered).path == "/login/second-factor"
    assert LABEL not in remembered.open("/login/second-factor").text


@pytest.fixture
def set_up(installation: Installation) -> Callable[..., None]:
    def change(**settings: object) -> None:
        object.__setattr__(installation, "settings", installation.settings.model_copy(update=settings))

    return change


def test_an_app_that_asks_for_two_factors_still_gets_them(
    remembered: Browser, client: TestClient, key: str, clock: Clock, work: Work
) -> None:
    """RFC 9470 section 4; the claims say what happened (OIDC Core section 2, acr and amr)."""
    with work() as w:
        app = make_client(w, first_party=True)
    rp = RelyingParty(client, *app)
    sign_in(remembered)
    claims = rp.verify(rp.sign_in(remembered.client))
    assert (claims["acr"], claims["amr"]) == ("aal1", ["pwd"])
    assert rp.ask(remembered.client, acr_values="aal2").page == "/login/second-factor"
    assert LABEL not in remembered.open("/login/second-factor").text  # a step-up is asked for each time
    remembered.submit({"code": code_of(key, clock.now)})
    claims = rp.verify(rp.sign_in(remembered.client, acr_values="aal2"))
    assert (claims["acr"], claims["amr"]) == ("aal2", ["pwd", "otp", "mfa"])


def test_pages_that_change_factors_still_ask(remembered: Browser) -> None:
    sign_in(remembered)
    for path in (
        "/account/passkeys",
        "/account/recovery-codes",
        "/account/password",
        "/account/email",
    ):
        assert remembered.open(path).path == "/login/second-factor", path


def test_a_step_up_remembers_nothing(browser: Browser, key: str, clock: Clock, remembered: Browser) -> None:
    sign_in(remembered)
    value = remembered.cookies[COOKIE]
    page = remembered.open("/login/second-factor?return_to=/account/sessions")
    form = next(one for one in page.forms if "code" in dict(one.values()))
    form.fields.append(type(form.fields[0])("remember", "on", "hidden"))
    remembered.submit({"code": code_of(key, clock.now)})
    assert remembered.cookies[COOKIE] == value


def test_users_see_and_remove_remembered_devices(remembered: Browser, work: Work, ada: str) -> None:
    sign_in(remembered)
    page = remembered.open("/account/sessions")
    assert "Remembered devices" in page.text
    remembered.submit(button="Remove")
    assert "Remembered devices" not in remembered.open("/account/sessions").text
    sign_out(remembered)
    assert sign_in(remembered).path == "/login/second-factor"
    with work() as w:
        (event,) = audit.find(w.read, user_id=ada, names=[Event.REMEMBERED_DEVICE_REMOVED])
    assert event.details["reason"] == "removed"


def test_a_device_of_another_user_is_not_removed(remembered: Browser, ada: str, work: Work) -> None:
    with work() as w:
        eve = make_user(w, "eve@example.test")
        ((known, _),) = store.find_of_user(w.read, ada, now=w.now)
        with pytest.raises(remembered_devices.NoSuchRememberedDevice):
            remembered_devices.forget(w, user_id=eve, device_id=known.id)
    assert sign_in(remembered).path == "/account"


def test_the_removal_of_a_passkey_ends_it(remembered: Browser, work: Work, ada: str) -> None:
    with work() as w:
        passkey = make_passkey(ada, w.now)
        passkeys.add(w.db, passkey)
    with work() as w:
        passkey_rules.remove(w, user_id=ada, passkey_id=passkey.id)
    assert sign_in(remembered).path == "/login/second-factor"


def test_a_recovery_code_can_be_used_to_remember_a_device(
    browser: Browser, new_browser: NewBrowser, ada: str, clock: Clock
) -> None:
    elsewhere = new_browser()
    sign_in(elsewhere)
    _, codes = turn_on_two_factor(elsewhere, clock.now)
    sign_in(browser)
    browser.open("/login/second-factor?method=recovery")
    assert browser.submit({"code": codes[0], LABEL: "on"}).path == "/account"
    sign_out(browser)
    assert sign_in(browser).path == "/account"


def test_the_choice_stays_after_a_wrong_code(browser: Browser, key: str, clock: Clock) -> None:
    sign_in(browser)
    browser.submit({"code": "000000", LABEL: "on"})
    browser.submit({"code": code_of(key, clock.now)})
    sign_out(browser)
    assert sign_in(browser).path == "/account"


@pytest.mark.also_on_postgresql
def test_an_outage_is_no_verdict_and_uses_nothing_up(remembered: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise DatabaseUnavailable("the database is down")

    with monkeypatch.context() as patch:
        patch.setattr(store, "move", fail)
        page = sign_in(remembered)
        assert page.status == 503
        assert page.response.headers["retry-after"]
    assert sign_in(remembered).path == "/account"


def test_expired_rows_are_deleted(remembered: Browser, work: Work, settings: Settings) -> None:
    with work() as w:
        assert store.purge(w.db, before=w.now, limit=10) == 0
        assert store.purge(w.db, before=w.now + timedelta(days=settings.remember_device_days), limit=10) == 1
