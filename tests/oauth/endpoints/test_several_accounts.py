"""Several accounts in one browser: which one a request is for."""

import pytest

from provider.accounts import suspension
from provider.work import Installation
from tests.oauth.conftest import Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty, sign_in_person
from tests.support.several_accounts import (
    ACCOUNTS,
    CHOOSER,
    SESSION,
    accounts_on,
    choose,
    csrf_on,
    plant_others,
    sign_in_beside,
)
from tests.support.statements import recorded

ADA, BOB = "ada@example.test", "bob@example.test"


@pytest.fixture
def bob(work: Work) -> str:
    with work() as w:
        return make_user(w, BOB)


@pytest.fixture
def both(browser: WatchedClient, installation: Installation, bob: str) -> WatchedClient:
    """Ada's browser, in which Bob signed in too. He is the current account."""
    sign_in_beside(browser, installation, bob)
    return browser


def account_of(rp: RelyingParty, browser: WatchedClient, **asked: str) -> str:
    """Whose account the app gets. Their id."""
    return str(rp.verify(rp.redeem(rp.ask(browser, **asked)))["sub"])


@pytest.mark.also_on_postgresql
def test_the_user_chooses_one_of_several_accounts(rp: RelyingParty, both: WatchedClient, ada: str, bob: str) -> None:
    """OIDC Core section 3.1.2.1: nothing says which account the request is for."""
    parked = rp.ask(both)
    assert parked.page == CHOOSER
    assert list(accounts_on(both.get(parked.location).text)) == [BOB, ADA], "the last used first"
    assert choose(both, parked.location, account=ADA).headers["location"].startswith("/oauth2/authorize?")
    assert rp.verify(rp.redeem(rp.resume(both, parked)))["sub"] == ada
    assert list(accounts_on(both.get(CHOOSER).text)) == [ADA, BOB], "Bob is still signed in"
    assert rp.ask(both).page == CHOOSER, "the next request asks again"


def test_the_user_adds_an_account(rp: RelyingParty, browser: WatchedClient, ada: str) -> None:
    parked = rp.ask(browser, prompt="select_account")
    assert choose(browser, parked.location, decision="other").headers["location"].startswith("/login?")


@pytest.mark.also_on_postgresql
def test_an_id_token_hint_picks_its_user(rp: RelyingParty, both: WatchedClient, ada: str, bob: str) -> None:
    """OIDC Core section 3.1.2.1, also for prompt=none. The browser's current account stays as it is."""
    current = both.cookies[SESSION]
    parked = rp.ask(both)
    choose(both, parked.location, account=ADA)
    hint = rp.redeem(rp.resume(both, parked)).id_token
    choose(both, CHOOSER, account=BOB)
    assert account_of(rp, both, id_token_hint=hint) == ada
    assert account_of(rp, both, id_token_hint=hint, prompt="none") == ada
    assert both.cookies[SESSION] == current


def test_an_id_token_hint_of_a_user_who_is_not_here_needs_a_sign_in(
    rp: RelyingParty, both: WatchedClient, work: Work, person: object, installation: Installation
) -> None:
    """OIDC Core section 3.1.2.1."""
    with work() as w:
        carol = make_user(w, "carol@example.test")
    before = {name: both.cookies[name] for name in (SESSION, ACCOUNTS)}
    sign_in_person(both, installation, carol)
    both.cookies.delete(ACCOUNTS)
    hint = rp.redeem(rp.ask(both)).id_token
    for name, value in before.items():
        both.cookies.set(name, value, domain="id.example.test", path="/")
    assert rp.ask(both, prompt="none", id_token_hint=hint).error == "login_required"
    parked = rp.ask(both, id_token_hint=hint)
    assert parked.page == "/login"
    assert parked.parameters["prompt"] == "select_account"


def test_a_login_hint_picks_its_user(rp: RelyingParty, both: WatchedClient, ada: str, bob: str) -> None:
    """OIDC Core section 3.1.2.1."""
    assert account_of(rp, both, login_hint=ADA) == ada
    assert account_of(rp, both, login_hint="BOB@example.test") == bob
    assert rp.ask(both, login_hint="carol@example.test").page == CHOOSER
    assert rp.ask(both, login_hint="not an address").page == CHOOSER


def test_a_login_hint_does_not_undo_what_the_user_chose(rp: RelyingParty, both: WatchedClient, bob: str) -> None:
    parked = rp.ask(both, login_hint=ADA, prompt="select_account")
    choose(both, parked.location, account=BOB)
    assert rp.verify(rp.redeem(rp.resume(both, parked)))["sub"] == bob


@pytest.mark.also_on_postgresql
def test_without_a_page_the_app_gets_the_account_it_has_here(
    rp: RelyingParty, both: WatchedClient, ada: str, register: Register
) -> None:
    """OIDC Core section 3.1.2.6: account_selection_required, unless the app is signed in with one of the accounts."""
    assert rp.ask(both, prompt="none").error == "account_selection_required"
    assert account_of(rp, both, login_hint=ADA) == ada
    assert account_of(rp, both, prompt="none") == ada
    assert register().ask(both, prompt="none").error == "account_selection_required", "another app"
    assert rp.ask(both, login_hint=BOB).code
    assert rp.ask(both, prompt="none").error == "account_selection_required", "signed in with both"


def test_guesses_at_the_accounts_of_a_browser_all_get_the_same_error(
    register: Register, both: WatchedClient, clock: Clock
) -> None:
    """N-54: an app that may not know who is signed in learns it from no error of prompt=none."""
    stranger = register(first_party=False)
    guesses = [ADA, BOB, "carol@example.test", "nonsense"]
    found = {stranger.ask(both, prompt="none", login_hint=guess).error for guess in guesses}
    found |= {stranger.ask(both, prompt="none", login_hint=guess, max_age="1").error for guess in guesses}
    assert found == {"account_selection_required"}


def test_each_account_has_its_own_time_of_sign_in_and_factors(
    rp: RelyingParty, browser: WatchedClient, installation: Installation, bob: str, clock: Clock
) -> None:
    """OIDC Core section 2: auth_time and acr; section 3.1.2.1: max_age."""
    clock.advance(seconds=100)
    sign_in_beside(browser, installation, bob, amr="pwd otp mfa")
    claims = {name: rp.verify(rp.redeem(rp.ask(browser, login_hint=name, max_age="300"))) for name in (ADA, BOB)}
    assert {name: each["acr"] for name, each in claims.items()} == {ADA: "aal1", BOB: "aal2"}
    assert claims[BOB]["auth_time"] - claims[ADA]["auth_time"] == 140
    assert claims[ADA]["sid"] != claims[BOB]["sid"]
    assert rp.ask(browser, login_hint=BOB, max_age="60").code
    parked = rp.ask(browser, login_hint=ADA, max_age="60")
    assert (parked.page, parked.parameters["prompt"]) == ("/login", "login")
    assert ADA in browser.get(parked.location).text, "she is asked for her password, not he"


def test_the_chooser_comes_before_a_new_sign_in(rp: RelyingParty, both: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1: prompt=login is for the account that the user chooses."""
    parked = rp.ask(both, prompt="login")
    assert parked.page == CHOOSER
    choose(both, parked.location, account=ADA)
    assert rp.resume(both, parked).page == "/login"
    assert rp.ask(both, prompt="create").page == "/signup"


def test_a_suspended_user_is_no_longer_offered(
    rp: RelyingParty, both: WatchedClient, ada: str, bob: str, work: Work
) -> None:
    """A-105."""
    with work() as w:
        suspension.suspend(w, user_id=bob, reason=None)
    assert list(accounts_on(both.get(CHOOSER).text)) == [ADA]
    assert rp.ask(both, login_hint=BOB).page == CHOOSER
    assert rp.ask(both, prompt="none").error == "account_selection_required"


def test_what_is_no_secret_of_ours_is_ignored(
    rp: RelyingParty, browser: WatchedClient, ada: str, unchanged: Unchanged
) -> None:
    """N-52"""
    own = browser.cookies[SESSION]
    for planted in (
        "",
        ".",
        "x" * 43,
        "x" * 600,
        own,
        f"{own}.{own}",
        f"{own[:-1]}",
        "." * 100,
        f"'{own}",
        "\x7f",
    ):
        plant_others(browser, planted)
        with unchanged():
            assert list(accounts_on(browser.get(CHOOSER).text)) == [ADA], planted
        assert account_of(rp, browser) == ada


def test_no_more_accounts_are_read_than_a_browser_may_have(
    browser: WatchedClient, installation: Installation, work: Work
) -> None:
    """N-56"""
    for number in range(5):
        with work() as w:
            user_id = make_user(w, f"user{number}@example.test")
        sign_in_beside(browser, installation, user_id)
    assert len(accounts_on(browser.get(CHOOSER).text)) == installation.settings.accounts_per_browser == 5


def test_no_session_of_another_browser_can_be_chosen_or_ended(
    rp: RelyingParty, both: WatchedClient, installation: Installation, work: Work, unchanged: Unchanged
) -> None:
    """N-53: the form names a session by its `sid`, which apps know."""
    with work() as w:
        carol = make_user(w, "carol@example.test")
    current = both.cookies[SESSION]
    cookie = sign_in_person(both, installation, carol)
    theirs = rp.verify(rp.redeem(rp.ask(both, login_hint="carol@example.test")))["sid"]
    both.cookies.set(SESSION, current, domain="id.example.test", path="/")
    assert cookie != current
    for form in ({"account": theirs}, {"sign_out": theirs}, {"account": "all"}, {"sign_out": ""}):
        with unchanged():
            assert choose(both, CHOOSER, **form).headers["location"] == CHOOSER
    assert both.cookies[SESSION] == current


def test_another_site_can_choose_and_end_nothing(both: WatchedClient, unchanged: Unchanged) -> None:
    """A-49."""
    before = both.cookies[SESSION]
    for form in ({"sign_out": "all"}, {"decision": "continue"}):
        with unchanged():
            assert both.post(CHOOSER, data=form).status_code in {303, 403}
    assert both.cookies[SESSION] == before


def test_a_form_of_one_account_does_nothing_to_another(both: WatchedClient, unchanged: Unchanged) -> None:
    """N-55: a page of Bob's, in a tab that was open before the browser switched to Ada."""
    token = csrf_on(both.get("/account/sessions").text)
    choose(both, CHOOSER, account=ADA)
    with unchanged():
        form = {"csrf_token": token, "which": "all"}
        assert (
            both.post("/account/sessions", data=form, headers={"origin": "https://id.example.test"}).status_code == 403
        )


def test_a_browser_with_one_account_asks_the_database_no_more_than_before(
    rp: RelyingParty, browser: WatchedClient, installation: Installation
) -> None:
    """Only the cookie of other accounts leads to a query for them."""
    rp.ask(browser)
    with recorded(installation.database.engine) as statements:
        assert rp.ask(browser).code
    assert sum(text.startswith("SELECT") and "FROM sessions" in text for text in statements) == 1
