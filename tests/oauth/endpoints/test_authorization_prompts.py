"""prompt, max_age and id_token_hint: when a person is asked again, and when the app gets an error instead."""

import json

import pytest

from provider.config.settings import Settings
from provider.work import Installation
from tests.oauth.conftest import Person, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.browser import Page
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty, sign_in_person


@pytest.fixture
def bob(work: Work) -> str:
    with work() as w:
        return make_user(w, "bob@example.test", name="Bob")


# prompt


def test_prompt_none_without_a_person_is_login_required(rp: RelyingParty, person: Person, unchanged: Unchanged) -> None:
    """OIDC Core section 3.1.2.6; oidcc-prompt-none-not-logged-in: the long state intact."""
    state = ("x" * 120) + "-._~" * 2
    with unchanged():
        answer = rp.ask(person(), prompt="none", state=state)
    assert (answer.error, answer.parameters["state"]) == ("login_required", state)


def test_prompt_none_with_a_person_shows_no_page(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """oidcc-prompt-none-logged-in: same sub, same auth_time."""
    first = rp.verify(rp.sign_in(browser))
    clock.advance(minutes=10)
    second = rp.verify(rp.sign_in(browser, prompt="none"))
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])


def test_prompt_none_without_consent_is_consent_required(
    register: Register, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """OIDC Core section 3.1.2.6."""
    rp = register(first_party=False)
    with unchanged():
        assert rp.ask(browser, prompt="none").error == "consent_required"


def test_prompt_login_asks_again_and_then_not_again(
    rp: RelyingParty, browser: WatchedClient, ada: str, installation: Installation, clock: Clock
) -> None:
    """OIDC Core section 3.1.2.1; oidcc-prompt-login: a later auth_time."""
    first = rp.verify(rp.sign_in(browser))
    answer = rp.ask(browser, prompt="login")
    assert answer.page == "/login"
    assert answer.parameters["prompt"] == "login"
    assert rp.resume(browser, answer).page == "/login", "coming back without having signed in"
    clock.advance(seconds=20)
    sign_in_person(browser, installation, ada, answering=answer.request_uri)
    second = rp.verify(rp.redeem(rp.resume(browser, answer)))
    assert second["auth_time"] > first["auth_time"]


def test_prompt_login_may_be_answered_by_somebody_else(
    rp: RelyingParty, browser: WatchedClient, bob: str, installation: Installation, clock: Clock
) -> None:
    """OIDC Core section 3.1.2.3."""
    answer = rp.ask(browser, prompt="login")
    clock.advance(seconds=1)
    sign_in_person(browser, installation, bob, answering=answer.request_uri)
    assert rp.verify(rp.redeem(rp.resume(browser, answer)))["sub"] == bob


def test_prompt_consent_asks_although_it_was_allowed(register: Register, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1."""
    assert register().ask(browser, prompt="consent").page == "/consent"


def test_prompt_select_account_offers_the_choice(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1."""
    assert rp.ask(browser, prompt="select_account").page == "/select-account"


# prompt=create (Initiating User Registration via OpenID Connect 1.0)


def test_prompt_create_leads_to_the_sign_up_page(rp: RelyingParty, person: Person) -> None:
    """Initiating User Registration section 4.1."""
    browser = person()
    answer = rp.ask(browser, prompt="create", login_hint="new@example.test")
    assert answer.page == "/signup"
    page = Page(browser.get(answer.location))
    assert "Example app" in page.text
    assert page.form("email").find("email").value == "new@example.test"  # type: ignore[union-attr]
    assert page.form(button="Cancel and go back to Example app")


def test_who_made_an_account_and_signed_in_goes_on_to_the_app(
    rp: RelyingParty, person: Person, bob: str, installation: Installation, clock: Clock
) -> None:
    """Initiating User Registration section 4.1: the request is kept."""
    browser = person()
    answer = rp.ask(browser, prompt="create")
    assert rp.resume(browser, answer).page == "/signup", "coming back without an account"
    clock.advance(seconds=20)
    sign_in_person(browser, installation, bob, answering=answer.request_uri)
    assert rp.verify(rp.redeem(rp.resume(browser, answer)))["sub"] == bob


def test_somebody_who_is_signed_in_may_make_another_account(
    rp: RelyingParty, browser: WatchedClient, bob: str, installation: Installation, clock: Clock
) -> None:
    """Initiating User Registration section 4.1: neither page sends them on as who they were before."""
    answer = rp.ask(browser, prompt="create")
    assert answer.page == "/signup"
    for page in (answer.location, answer.location.replace("/signup", "/login")):
        assert browser.get(page).status_code == 200, page
    clock.advance(seconds=20)
    sign_in_person(browser, installation, bob, answering=answer.request_uri)
    for page in (answer.location, answer.location.replace("/signup", "/login")):
        assert browser.get(page).headers["location"].startswith("/oauth2/authorize?"), page
    assert rp.verify(rp.redeem(rp.resume(browser, answer)))["sub"] == bob


def test_prompt_create_combines_with_others_but_not_with_none(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1."""
    assert rp.ask(browser, prompt="create login consent").page == "/signup"
    assert rp.ask(browser, prompt="none create").error == "invalid_request"


class TestWhereNobodyMaySignUp:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, features="two-factor")

    def test_prompt_create_is_refused(self, rp: RelyingParty, person: Person, unchanged: Unchanged) -> None:
        """Initiating User Registration section 4.1: a value that is not in prompt_values_supported."""
        with unchanged():
            answer = rp.ask(person(), prompt="create")
        assert answer.error == "invalid_request"
        assert "create" in answer.parameters["error_description"]


# max_age


def test_max_age_passed_asks_again(
    rp: RelyingParty, browser: WatchedClient, ada: str, installation: Installation, clock: Clock
) -> None:
    """oidcc-max-age-1: auth_time present, later than the first, recent."""
    answer = rp.ask(browser, max_age="1")
    assert answer.page == "/login"
    clock.advance(seconds=90)
    sign_in_person(browser, installation, ada, answering=answer.request_uri)
    clock.advance(seconds=30)
    claims = rp.verify(rp.redeem(rp.resume(browser, answer)))
    assert claims["auth_time"] == int(clock.now.timestamp()) - 30


def test_max_age_not_reached_changes_nothing(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """oidcc-max-age-10000."""
    first = rp.verify(rp.sign_in(browser, max_age="15000"))
    clock.advance(seconds=100)
    second = rp.verify(rp.sign_in(browser, max_age="10000"))
    assert first["auth_time"] == second["auth_time"]


def test_max_age_passed_under_prompt_none_is_login_required(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.6."""
    assert rp.ask(browser, prompt="none", max_age="1").error == "login_required"


def test_a_client_may_be_registered_with_a_max_age(register: Register, browser: WatchedClient) -> None:
    """OIDC Registration section 2, default_max_age; the request's own goes before."""
    rp = register(default_max_age=10)
    assert rp.ask(browser).page == "/login"
    assert rp.ask(browser, max_age="300").code


# id_token_hint


def test_a_hint_of_who_is_here_is_silent(rp: RelyingParty, browser: WatchedClient) -> None:
    """oidcc-id-token-hint."""
    hint = rp.sign_in(browser).id_token
    assert rp.ask(browser, prompt="none", id_token_hint=hint).code


def test_an_expired_hint_is_still_a_hint(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """OIDC Core section 3.1.2.1."""
    hint = rp.sign_in(browser).id_token
    clock.advance(minutes=50)
    rp.sign_in(browser)
    clock.advance(minutes=50)
    assert rp.ask(browser, prompt="none", id_token_hint=hint).code


def test_a_hint_of_somebody_else_is_login_required(
    rp: RelyingParty, browser: WatchedClient, person: Person, bob: str
) -> None:
    """OIDC Core section 3.1.2.1."""
    hint = rp.sign_in(person(bob)).id_token
    assert rp.ask(browser, prompt="none", id_token_hint=hint).error == "login_required"


def test_a_hint_of_somebody_else_asks_them_to_sign_in(
    rp: RelyingParty,
    browser: WatchedClient,
    person: Person,
    bob: str,
    ada: str,
    installation: Installation,
    clock: Clock,
) -> None:
    """OIDC Core section 3.1.2.1: and nobody else will do."""
    hint = rp.sign_in(person(bob)).id_token
    answer = rp.ask(browser, id_token_hint=hint)
    assert answer.page == "/login"
    clock.advance(seconds=1)
    sign_in_person(browser, installation, ada, answering=answer.request_uri)
    assert rp.resume(browser, answer).error == "login_required"


def test_a_hint_issued_to_another_client_is_refused(
    rp: RelyingParty, register: Register, browser: WatchedClient
) -> None:
    """OIDC Core section 3.1.2.1."""
    hint = register().sign_in(browser).id_token
    assert rp.ask(browser, id_token_hint=hint).error == "invalid_request"


def test_a_hint_may_come_in_a_posted_request(
    rp: RelyingParty, browser: WatchedClient, person: Person, bob: str
) -> None:
    """OIDC Core section 3.1.2.1: "MAY" for GET and POST alike; a hint may be longer than a URL should be."""
    mine, theirs = rp.sign_in(browser).id_token, rp.sign_in(person(bob)).id_token
    parked = rp.ask_by_post(browser, prompt="none", id_token_hint=mine)
    assert rp.resume(browser, parked).code
    parked = rp.ask_by_post(browser, prompt="none", id_token_hint=theirs)
    assert rp.resume(browser, parked).error == "login_required"
    assert rp.ask_by_post(browser, id_token_hint="x").error == "invalid_request"


def test_the_claims_parameter_may_say_who_is_meant(
    rp: RelyingParty, browser: WatchedClient, ada: str, bob: str
) -> None:
    """OIDC Core sections 3.1.2.2 and 5.5.1: `sub` with a value."""
    for place in ("id_token", "userinfo"):
        asked = {user_id: json.dumps({place: {"sub": {"value": user_id}}}) for user_id in (ada, bob)}
        assert rp.ask(browser, prompt="none", claims=asked[ada]).code
        assert rp.ask(browser, prompt="none", claims=asked[bob]).error == "login_required"


def test_a_hint_and_a_claim_of_two_people_are_refused(
    rp: RelyingParty, browser: WatchedClient, ada: str, bob: str
) -> None:
    """OIDC Core section 3.1.2.2: one of them would get an answer about the other."""
    hint = rp.sign_in(browser).id_token
    asked = {user_id: json.dumps({"id_token": {"sub": {"value": user_id}}}) for user_id in (ada, bob)}
    assert rp.ask(browser, id_token_hint=hint, claims=asked[bob]).error == "invalid_request"
    assert rp.ask(browser, id_token_hint=hint, claims=asked[ada]).code


def test_other_tokens_are_no_hints(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 8725 section 3.11: an access token is not an ID token."""
    assert rp.ask(browser, id_token_hint=rp.sign_in(browser).access_token).error == "invalid_request"
