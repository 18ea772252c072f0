"""What operators require of a sign-in: for every user, for a role, for an app; and how users get there."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.accounts import users
from provider.accounts.factors import second_factor
from provider.accounts.roles import roles
from provider.config.settings import Settings
from tests.accounts.factors.test_passkeys import add, use
from tests.support.authenticator import Authenticator, question_of
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.people import begin_set_up, code_of, recovery_codes_on, sign_in, turn_on_two_factor
from tests.support.relying_party import RelyingParty, authorization_url

Register = Callable[..., RelyingParty]


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator()


@pytest.fixture
def register(work: Work, client: TestClient) -> Register:
    def make(**given: Any) -> RelyingParty:
        with work() as w:
            return RelyingParty(client, *make_client(w, first_party=True, **given))

    return make


def shown(browser: Browser, rp: RelyingParty, **request: str) -> Page:
    """The page to which an app's request leads."""
    return browser.open(authorization_url(rp.client, **request))


def show(browser: Browser, device: Authenticator, page: Page, user_id: str) -> Page:
    return browser.submit({"code": device.get(question_of(page), user_handle=user_id.encode())})


def require_of(work: Work, role: str, required: str, *user_ids: str) -> None:
    with work() as w:
        for user_id in user_ids:
            users.set_roles(w, user_id=user_id, roles=[role])
    with work() as w:
        roles.require_factor(w, name=role, required_factor=required)


# an app


def test_an_app_that_requires_a_passkey_leads_through_adding_one(
    browser: Browser, ada: str, phone: Authenticator, register: Register
) -> None:
    rp = register(required_factor="passkey")
    sign_in(browser)
    page = shown(browser, rp)
    assert page.path == "/account/passkeys"
    assert "requires a passkey" in page.text
    page = browser.submit({"credential": phone.create(question_of(page))})
    assert (page.path, page.title) == ("/login/second-factor", "Use your passkey \u2013 Signet")
    assert "otp" not in page.html
    show(browser, phone, page, ada)
    assert rp.verify(rp.sign_in(browser.client))["amr"] == ["pwd", "swk", "mfa"]


def test_the_requirement_of_an_app_holds_whatever_a_request_asks_for(
    browser: Browser, ada: str, register: Register
) -> None:
    rp = register(required_factor="two-factor")
    sign_in(browser)
    for request in ({"acr_values": "aal1"}, {"acr_values": ""}):
        assert shown(browser, rp, **request).path == "/account/two-factor"
    assert rp.ask(browser.client, prompt="none").error == "interaction_required"


def test_step_up_asks_only_for_what_is_missing(
    browser: Browser, ada: str, phone: Authenticator, clock: Clock, register: Register
) -> None:
    sign_in(browser)
    add(browser, phone)
    turn_on_two_factor(browser, clock.now)
    page = shown(browser, register(required_factor="passkey"))
    assert page.path == "/login/second-factor"
    assert "authenticator app" not in page.text
    assert "recovery code" not in page.text


def test_phr_is_attested_when_it_was_asked_for(
    browser: Browser, ada: str, phone: Authenticator, register: Register
) -> None:
    """OpenID Connect EAP ACR Values 1.0 section 4; OIDC Registration section 2, default_acr_values."""
    rp, usual = register(default_acr_values=("phr",)), register()
    sign_in(browser)
    assert rp.verify(rp.sign_in(browser.client))["acr"] == "aal1"
    add(browser, phone)
    browser.submit(action="/sign-out")
    use(browser, phone)
    tokens = rp.sign_in(browser.client)
    assert (rp.verify(tokens)["acr"], rp.introspect(tokens.access_token)["acr"]) == ("phr", "phr")
    assert usual.verify(usual.sign_in(browser.client))["acr"] == "aal2"
    assert usual.verify(usual.sign_in(browser.client, acr_values="aal2 phr"))["acr"] == "phr"


def test_an_app_that_asks_for_phr_gets_a_passkey_that_the_user_has(
    browser: Browser, ada: str, phone: Authenticator, register: Register
) -> None:
    """RFC 9470 section 4."""
    sign_in(browser)
    rp = register()
    essential = '{"id_token":{"acr":{"essential":true,"value":"phr"}}}'
    assert rp.ask(browser.client, claims=essential).error == "unmet_authentication_requirements"
    add(browser, phone)
    assert shown(browser, rp, claims=essential).path == "/login/second-factor"


# a role


def test_a_role_requires_a_passkey_of_its_users_only(
    browser: Browser, ada: str, register: Register, work: Work, new_browser: Callable[[], Browser]
) -> None:
    with work() as w:
        make_user(w, "bob@example.test")
    require_of(work, "staff", "passkey", ada)
    sign_in(browser)
    page = shown(browser, register())
    assert page.path == "/account/passkeys"
    assert "Your role staff requires a passkey." in page.text
    bob = new_browser()
    sign_in(bob, "bob@example.test")
    assert register().ask(bob.client).code


def test_the_strictest_requirement_wins(browser: Browser, ada: str, register: Register, work: Work) -> None:
    require_of(work, "staff", "passkey", ada)
    sign_in(browser)
    assert shown(browser, register(required_factor="two-factor")).path == "/account/passkeys"
    require_of(work, "staff", "none")
    assert shown(browser, register(required_factor="two-factor")).path == "/account/two-factor"


def test_the_console_asks_operators_for_the_passkey_that_their_role_requires(
    browser: Browser, ada: str, phone: Authenticator, clock: Clock, work: Work
) -> None:
    require_of(work, "admin", "passkey", ada)
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    page = browser.open("/admin")
    assert page.path == "/account/passkeys"
    page = browser.submit({"credential": phone.create(question_of(page))})
    assert "The console requires a passkey." in page.text
    assert show(browser, phone, page, ada).path == "/admin"


# every user


class TestEverybody:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, required_factor="two-factor")

    def test_a_sign_in_leads_to_the_set_up(self, browser: Browser, ada: str, clock: Clock, register: Register) -> None:
        page = sign_in(browser)
        assert page.path == "/account/two-factor"
        assert "Your administrator requires two-factor authentication." in page.text
        rp = register()
        assert shown(browser, rp).path == "/account/two-factor"
        browser.submit({"code": code_of(begin_set_up(browser), clock.now)})
        assert rp.verify(rp.sign_in(browser.client))["acr"] == "aal2"

    def test_a_passkey_meets_it_and_is_asked_for_after_the_password(
        self, browser: Browser, ada: str, phone: Authenticator, work: Work
    ) -> None:
        sign_in(browser)
        add(browser, phone)
        browser.submit(action="/sign-out")
        page = sign_in(browser)
        assert page.path == "/login/second-factor"
        assert show(browser, phone, page, ada).path == "/account"
        assert "You can't turn it off." in browser.open("/account/two-factor").text
        browser.open("/account/recovery-codes")
        assert len(recovery_codes_on(browser.submit(action="/account/recovery-codes"))) == 10

    def test_it_cannot_be_turned_off(self, browser: Browser, ada: str, clock: Clock, work: Work) -> None:
        sign_in(browser)
        _, codes = turn_on_two_factor(browser, clock.now)
        page = browser.open("/account/two-factor")
        assert "You can't turn it off." in page.text
        assert not any(form.action.endswith("turn-off") for form in page.forms)
        token = dict(page.forms[0].values())["csrf_token"]
        given = {"csrf_token": token, "code": codes[0]}
        browser.client.post("/account/two-factor/turn-off", data=given, headers={"origin": ISSUER})
        with work() as w:
            assert second_factor.is_turned_on(w, ada)


# two-factor authentication with passkeys alone


@pytest.fixture
def protected(browser: Browser, ada: str, phone: Authenticator) -> list[str]:
    """Ada turned it on with her passkey, and is signed in. Her recovery codes."""
    sign_in(browser)
    add(browser, phone)
    browser.open("/account/two-factor")
    page = browser.submit(action="/account/two-factor/passkeys")
    assert page.path == "/login/second-factor"
    show(browser, phone, page, ada)
    browser.open("/account/two-factor")
    return recovery_codes_on(browser.submit(action="/account/two-factor/passkeys"))


def test_two_factor_authentication_is_turned_on_with_a_passkey(
    browser: Browser, ada: str, phone: Authenticator, protected: list[str], inbox: Inbox
) -> None:
    assert len(protected) == 10
    assert "You now need a passkey to sign in" in inbox.latest().text
    browser.submit(action="/sign-out")
    page = sign_in(browser)
    assert (page.path, page.title) == ("/login/second-factor", "Use your passkey \u2013 Signet")
    assert show(browser, phone, page, ada).path == "/account"


def test_a_recovery_code_replaces_a_lost_passkey(browser: Browser, protected: list[str]) -> None:
    browser.submit(action="/sign-out")
    sign_in(browser)
    browser.open("/login/second-factor?method=recovery")
    assert browser.submit({"code": protected[0]}).path == "/account"


def test_the_only_second_factor_is_not_removed(browser: Browser, protected: list[str]) -> None:
    browser.open("/account/passkeys")
    page = browser.submit(action="/account/passkeys/remove")
    assert page.status == 400
    assert "Add another passkey first" in page.text


@pytest.mark.parametrize("required", ["two-factor", "passkey"])
def test_the_only_passkey_is_not_removed_while_a_second_factor_is_required(
    browser: Browser, ada: str, phone: Authenticator, work: Work, required: str
) -> None:
    """N-613: the password alone would lead to the page where a passkey is added, whoever knows it.

    A device is replaced by adding the passkey of the new one first.
    """
    sign_in(browser)
    add(browser, phone)
    require_of(work, "staff", required, ada)
    show(browser, phone, browser.open("/login/second-factor?return_to=/account/passkeys"), ada)
    page = browser.submit(action="/account/passkeys/remove")
    assert (page.status, "Add another passkey first" in page.text) == (400, True)
    add(browser, Authenticator())
    assert "Passkey removed" in browser.submit(action="/account/passkeys/remove").text
    assert browser.submit(action="/account/passkeys/remove").status == 400
    with work() as w:
        assert second_factor.is_enabled(w, ada)


@pytest.mark.parametrize("required", ["two-factor", "passkey"])
def test_the_only_passkey_is_removed_beside_an_authenticator_app(
    browser: Browser, ada: str, phone: Authenticator, work: Work, clock: Clock, required: str
) -> None:
    sign_in(browser)
    add(browser, phone)
    turn_on_two_factor(browser, clock.now)
    require_of(work, "staff", required, ada)
    browser.open("/account/passkeys")
    assert "Passkey removed" in browser.submit(action="/account/passkeys/remove").text
    with work() as w:
        assert second_factor.is_enabled(w, ada)


def test_a_passkey_turns_it_off_again(
    browser: Browser, ada: str, phone: Authenticator, protected: list[str], work: Work
) -> None:
    page = browser.open("/account/two-factor")
    answer = phone.get(question_of(page), user_handle=ada.encode())
    browser.submit({"code": answer}, action="/account/two-factor/turn-off")
    with work() as w:
        assert not second_factor.is_enabled(w, ada)
        assert second_factor.reachable_level(w, ada) == "phr"
    browser.submit(action="/sign-out")
    assert sign_in(browser).path == "/account"
