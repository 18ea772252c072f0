"""A factor that joins FACTORS is asked for, attested, counted, exported and removed like those that are there."""

import json

import pytest
from starlette.testclient import TestClient

from provider.accounts.access import Cause, end_access
from provider.accounts.data_export import export
from provider.accounts.factors import removal, second_factor
from provider.accounts.factors.passkeys import PASSKEYS
from provider.accounts.factors.recovery_codes import RECOVERY_CODES
from provider.accounts.factors.second_factor import FACTORS
from provider.accounts.factors.totp import TOTP
from provider.accounts.store.failures import find_failures
from provider.audit import store as audit
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.fake_factor import AMR, FakeFactor
from tests.support.installation import Work
from tests.support.people import is_signed_in, recovery_codes_on, sign_in, turn_on_two_factor
from tests.support.relying_party import RelyingParty

FIRST, SECOND = '{"gesture": 1}', '{"gesture": 2}'


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeFactor:
    joined = FakeFactor()
    monkeypatch.setattr(second_factor, "FACTORS", joined.join())
    return joined


@pytest.fixture
def rp(work: Work, client: TestClient) -> RelyingParty:
    with work() as w:
        return RelyingParty(client, *make_client(w, first_party=True))


def test_a_sign_in_asks_for_it_and_accepts_each_answer_once(
    browser: Browser, fake: FakeFactor, ada: str, work: Work
) -> None:
    fake.set_up(ada, FIRST)
    assert sign_in(browser).path == "/login/second-factor"
    assert not is_signed_in(browser)
    browser.open("/login/second-factor")
    assert browser.submit({"code": FIRST}).path == "/account"
    sign_in(browser)
    page = browser.submit({"code": FIRST})
    assert page.status == 400
    assert "That is not the gesture." in page.text
    with work() as w:
        assert find_failures(w.read, "second_factor", ada) == 1
        methods = [event.details["method"] for event in audit.find(w.read, user_id=ada) if "method" in event.details]
    assert methods == ["fake", "fake"]


def test_tokens_attest_it(browser: Browser, rp: RelyingParty, fake: FakeFactor, ada: str) -> None:
    """RFC 8176 section 2, RFC 9470 section 4."""
    sign_in(browser)
    assert rp.verify(rp.sign_in(browser.client))["acr"] == "aal1"
    fake.set_up(ada, FIRST)
    assert rp.ask(browser.client, acr_values="aal2").page == "/login/second-factor"
    browser.open("/login/second-factor")
    browser.submit({"code": FIRST})
    claims = rp.verify(rp.sign_in(browser.client, acr_values="aal2"))
    assert claims["acr"] == "aal2"
    assert claims["amr"] == ["pwd", AMR, "mfa"]


def test_each_factor_of_a_user_is_offered(browser: Browser, fake: FakeFactor, ada: str, clock: Clock) -> None:
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    page = sign_in(browser)
    assert "Use a gesture" not in page.text
    fake.set_up(ada, FIRST)
    sign_in(browser)
    browser.follow("Lost your device?")
    page = browser.follow("Use a gesture")
    assert "Lost your device?" in page.text
    assert "Use your authenticator app" in page.text
    assert browser.submit({"code": FIRST}).path == "/account"


def test_a_recovery_code_replaces_it(browser: Browser, fake: FakeFactor, ada: str, clock: Clock) -> None:
    sign_in(browser)
    fake.set_up(ada, FIRST)
    page = browser.open("/account/recovery-codes")
    assert page.path == "/login/second-factor"
    browser.submit({"code": FIRST})
    codes = recovery_codes_on(browser.submit(button="Create 10 new codes"))
    sign_in(browser)
    browser.follow("Lost your device?")
    assert browser.submit({"code": codes[0]}).path == "/account"


def test_turning_off_takes_its_answer_and_removes_every_factor(
    browser: Browser, fake: FakeFactor, ada: str, clock: Clock, work: Work
) -> None:
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    fake.set_up(ada, FIRST)
    browser.open("/account/two-factor")
    assert "Two-factor authentication is off" in browser.submit({"code": FIRST}, button="Turn off").text
    assert fake.answers == {}
    with work() as w:
        assert second_factor.find_offered(w, ada) == ()
        assert RECOVERY_CODES.export(w, ada) == {"recovery_codes_left": 0}
    assert sign_in(browser).path == "/account"


def test_an_operators_reset_removes_it(fake: FakeFactor, ada: str, work: Work) -> None:
    fake.set_up(ada, FIRST)
    with work() as w:
        removal.reset(w, user_id=ada)
    assert fake.answers == {}
    with work() as w, pytest.raises(removal.NotTurnedOn):
        removal.reset(w, user_id=ada)


def test_ending_access_forgets_a_setup_of_it(fake: FakeFactor, ada: str, work: Work) -> None:
    fake.setups.add(ada)
    with work() as w:
        end_access(w, user_id=ada, cause=Cause.EMAIL_CHANGED)
    assert fake.setups == {ada}
    with work() as w:
        end_access(w, user_id=ada, cause=Cause.SIGNED_OUT_EVERYWHERE)
    assert fake.setups == set()


def test_the_copy_of_ones_data_has_it(fake: FakeFactor, ada: str, work: Work) -> None:
    fake.set_up(ada, FIRST, SECOND)
    with work() as w:
        document = json.loads(export(w, user_id=ada, applications=[]))
    assert document["two_factor"] == {
        "on_since": None,
        "authenticator_apps": [],
        "on_with_passkeys_since": None,
        "passkeys": [],
        "recovery_codes_left": 0,
        "gestures": 2,
    }


def test_only_owners_need_it(fake: FakeFactor, ada: str, work: Work) -> None:
    with work() as w:
        bob, eve = make_user(w, "bob@example.test"), make_user(w, "eve@example.test")
    fake.set_up(bob, FIRST)
    with work() as w:
        assert second_factor.find_owners(w, [ada, bob, eve]) == {bob}
        assert [second_factor.is_enabled(w, user_id) for user_id in (ada, bob, eve)] == [False, True, False]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("123456", "totp"),
        ("123 456", "totp"),
        ("", "totp"),
        ("12345678", "totp"),
        ("123456789", "recovery"),
        ("k3fx-9wq2-abcd-efgh", "recovery"),
        (FIRST, "fake"),
    ],
)
@pytest.mark.usefixtures("fake")
def test_a_field_for_any_answer_knows_whose_it_is(code: str, name: str) -> None:
    assert second_factor.factor_of(code).name == name


def test_names_of_factors_are_distinct_and_one_is_a_fallback() -> None:
    assert len({factor.name for factor in FACTORS}) == len(FACTORS)
    assert [factor for factor in FACTORS if factor.is_fallback] == [RECOVERY_CODES]
    assert FACTORS[:2] == (PASSKEYS, TOTP)
