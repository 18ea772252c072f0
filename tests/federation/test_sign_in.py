"""Sign in with an upstream: who comes in as whom, and what still applies to them (OIDC Core section 3.1)."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts import deletion, suspension
from provider.accounts.store import passwords, users
from provider.accounts.store.email_addresses import email_addresses
from provider.config.settings import Settings
from provider.sessions.store import Session, find_all
from provider.web.routing import flattened
from provider.work import Installation
from provider.worker.jobs import purge
from tests.federation.conftest import EXAMPLE, NewTraveller, events_of, identities_of, sign_out
from tests.federation.fake_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider, Traveller
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, code_of, find_user, is_signed_in, sign_in, turn_on_two_factor
from tests.support.relying_party import RelyingParty, challenge_of


def sessions_of(work: Work, user_id: str) -> list[Session]:
    with work() as w:
        return find_all(w.read, user_id)


def test_the_request_is_one_that_nobody_can_forge_or_replay(traveller: Traveller) -> None:
    """OIDC Core section 3.1.2.1, RFC 7636, RFC 9700 section 4.7."""
    url = traveller.leave()
    asked = dict(parse_qsl(urlsplit(url).query))
    assert url.startswith("https://op.example.test/authorize?")
    assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", CLIENT_ID, "openid email profile")
    assert asked["redirect_uri"] == "https://id.example.test/login/upstream/example/callback"
    assert asked["code_challenge_method"] == "S256"
    assert "prompt" not in asked
    traveller.come_back(url)
    [(form, headers)] = traveller.provider.forms
    assert challenge_of(form["code_verifier"]) == asked["code_challenge"]
    assert form["code_verifier"] not in url
    assert CLIENT_SECRET not in str(form)
    assert headers["Authorization"].startswith("Basic ")
    again = dict(parse_qsl(urlsplit(traveller.leave("/login?prompt=login")).query))
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize("possible", [True, False])
def test_claims_are_asked_for_by_name_where_that_is_possible(traveller: Traveller, possible: bool) -> None:
    """OIDC Core section 5.5: with a code, those of a scope may be at the userinfo endpoint alone."""
    traveller.provider.metadata["claims_parameter_supported"] = possible
    asked = dict(parse_qsl(urlsplit(traveller.leave()).query))
    named = json.loads(asked.get("claims", "{}")).get("id_token", {})
    assert ("email" in named, "email_verified" in named, "name" in named) == (possible,) * 3


def test_a_newcomer_gets_an_account_without_a_password(traveller: Traveller, work: Work, inbox: Inbox) -> None:
    """Replaces: upstream sign-in with linking."""
    traveller.provider.claims |= {
        "name": " Ada\n Lovelace ",
        "given_name": "Ada",
        "family_name": "\x00",
        "picture": "x",
    }
    assert traveller.sign_in("/signup").path == "/account"
    user = find_user(work)
    assert (user.status, user.claims) == (users.Status.ACTIVE, {"name": "Ada Lovelace", "given_name": "Ada"})
    [identity] = identities_of(work, user.id)
    assert (identity.issuer, identity.subject) == ("https://op.example.test", "ada-at-example")
    assert identity.email == "ada@example.test"
    with work() as w:
        assert passwords.find(w.read, user.id) is None
    assert [session.amr for session in sessions_of(work, user.id)] == ["fed"]
    names = [event.name for event in events_of(work, user.id)]
    assert names == ["account.registered", "account.identity.linked", "account.identity.used", "session.signed_in"]
    assert inbox.letters() == []


def test_the_same_person_comes_back_to_the_same_account(
    traveller: Traveller, new_traveller: NewTraveller, work: Work, inbox: Inbox, clock: Clock
) -> None:
    """Found by issuer and subject, whatever the address is by now (OIDC Core section 5.7)."""
    traveller.sign_in()
    clock.advance(hours=1)
    traveller.provider.claims |= {"email": "moved@example.test", "email_verified": False, "name": "Somebody Else"}
    assert new_traveller().sign_in().path == "/account"
    user = find_user(work)
    assert len(sessions_of(work, user.id)) == 2
    assert identities_of(work, user.id)[0].last_used_at == clock.now
    assert "name" not in user.claims
    assert inbox.latest(ADDRESS).subject.startswith("New sign-in")


def test_a_linked_account_is_signed_in_to(traveller: Traveller, linked: str, work: Work) -> None:
    page = traveller.sign_in("/login?return_to=/account/sessions")
    assert page.path == "/account/sessions"
    assert [session.amr for session in sessions_of(work, linked)] == ["pwd", "fed"]


def test_the_user_can_choose_to_stay_signed_in(
    traveller: Traveller, linked: str, work: Work, installation: Installation
) -> None:
    """A script copies the answer from the box beside the password."""
    kept = installation.settings.model_copy(update={"keep_signed_in_days": 30})
    object.__setattr__(installation, "settings", kept)
    browser = traveller.browser
    for answer in ("", "on"):
        browser.open("/login")
        url = browser.submit({"keep": answer}, button="Sign in with Example").links["Continue to Example"]
        assert traveller.come_back(url).path == "/account"
        browser.cookies.jar.clear_session_cookies()
        assert is_signed_in(browser) == (answer == "on")
    assert [session.kept for session in sessions_of(work, linked)][-1]


def test_the_second_factor_is_still_due(traveller: Traveller, linked: str, work: Work, clock: Clock) -> None:
    """What the upstream asked for is its own matter: `amr` and `acr` of its token are not read."""
    browser = traveller.browser
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    sign_out(browser)
    clock.advance(minutes=1)
    traveller.provider.claims |= {"amr": ["mfa"], "acr": "aal2"}
    page = traveller.sign_in("/login?return_to=/account/sessions")
    assert page.path == "/login/second-factor"
    assert browser.open("/account").path == "/login"
    browser.open(page.url)
    assert browser.submit({"code": code_of(key, clock.now)}).path == "/account/sessions"
    assert sessions_of(work, linked)[-1].amr == "fed otp mfa"


def test_a_suspended_account_stays_out(traveller: Traveller, linked: str, work: Work) -> None:
    """A-105."""
    with work() as w:
        suspension.suspend(w, user_id=linked, reason="abuse")
    page = traveller.sign_in()
    assert page.status == 403
    assert "suspended" in page.text
    assert not is_signed_in(traveller.browser)


def test_a_suspended_person_gets_no_second_account(traveller: Traveller, ada: str, work: Work) -> None:
    """A-105: the same mailbox at an upstream opens nothing."""
    with work() as w:
        suspension.suspend(w, user_id=ada, reason="abuse")
    page = traveller.sign_in()
    assert page.status == 403
    assert "You already have an account" in page.text
    assert find_user(work).id == ada
    assert not is_signed_in(traveller.browser)


def test_an_account_about_to_be_deleted_can_be_kept(traveller: Traveller, linked: str, work: Work) -> None:
    with work() as w:
        deletion.request_deletion(w, user_id=linked)
    page = traveller.sign_in()
    assert page.title.startswith("This account will be deleted")
    traveller.browser.submit(button="Keep my account")
    assert traveller.sign_in().path == "/account"


def test_after_the_deletion_the_identity_gets_another_account(
    traveller: Traveller, linked: str, work: Work, clock: Clock, installation: Installation
) -> None:
    with work() as w:
        deletion.request_deletion(w, user_id=linked)
    clock.advance(days=15)
    purge(installation)
    assert traveller.sign_in().path == "/account"
    again = find_user(work)
    assert (again.id != linked, [one.user_id for one in identities_of(work, again.id)]) == (True, [again.id])


def test_the_status_of_an_account_without_an_address_counts_too(traveller: Traveller, linked: str, work: Work) -> None:
    with work() as w:
        w.db.execute(email_addresses.delete())
        suspension.suspend(w, user_id=linked, reason=None)
    assert traveller.sign_in().title.startswith("This account is suspended")


def test_somebody_else_at_the_browser_gets_a_session_of_their_own(
    traveller: Traveller, linked: str, work: Work
) -> None:
    """A-53."""
    with work() as w:
        eve = make_user(w, "eve@example.test")
    sign_in(traveller.browser, "eve@example.test")
    traveller.sign_in("/login?prompt=login")
    assert [session.end_reason for session in sessions_of(work, eve)] == [None], "she stays signed in beside them"
    assert is_signed_in(traveller.browser)


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "yes"},
        {"email_verified": 1},
        {"email": None},
        {"email": "not an address"},
        {"email": ["ada@example.test"]},
        {"email": "a" * 250 + "@example.test"},
    ],
    ids=str,
)
@pytest.mark.parametrize("has_account", [True, False])
def test_an_unproven_address_makes_no_account_and_tells_nothing(
    traveller: Traveller, work: Work, changes: dict[str, Any], has_account: bool
) -> None:
    """A-61: whoever writes an address into a profile elsewhere does not learn whether it has an account here."""
    if has_account:
        with work() as w:
            make_user(w)
    traveller.provider.claims |= changes
    page = traveller.sign_in()
    assert page.status == 403
    assert page.title.startswith("Example isn't linked to an account yet")
    assert {"Sign in and link Example", "Create an account and link Example"} < set(page.links)
    assert not is_signed_in(traveller.browser)
    with work() as w:
        assert len(users.find_page(w.read)) == has_account


class TestWhatTheOperatorDidNotAllow:
    @pytest.fixture(params=[{"trust_email_verified": False}, {"may_create_accounts": False}], ids=str)
    def configured(self, request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
        return {"example": {**EXAMPLE, **request.param}}

    def test_no_account_is_made(self, traveller: Traveller, work: Work) -> None:
        page = traveller.sign_in()
        assert page.title.startswith("Example isn't linked to an account yet")
        with work() as w:
            assert users.find_page(w.read) == []


class TestWithoutRegistration:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"features": settings.features - {"registration"}})

    @pytest.mark.both_databases
    def test_no_account_is_made_and_no_page_offers_one(self, traveller: Traveller, work: Work) -> None:
        page = traveller.sign_in()
        assert page.title.startswith("Example isn't linked to an account yet")
        assert "/signup" not in page.html
        with work() as w:
            assert users.find_page(w.read) == []


class TestDomains:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"email_domains_allowed": frozenset({"example.com"})})

    def test_no_account_is_created_at_a_domain_that_is_not_accepted(self, traveller: Traveller, work: Work) -> None:
        page = traveller.sign_in()
        assert page.title.startswith("Example isn't linked to an account yet")
        assert "Use an email address at example.com." in page.text
        with work() as w:
            assert users.find_page(w.read) == []
            make_user(w)
        assert "Use an email address" not in traveller.sign_in("/login?prompt=login").text, "an account that is there"


def test_accounts_are_made_as_often_as_by_signing_up(
    new_traveller: NewTraveller, provider: FakeProvider, work: Work, lower: Lower
) -> None:
    lower(sign_up="3/hour")
    statuses = []
    for number in range(4):
        provider.claims |= {"sub": f"person-{number}", "email": f"person{number}@example.test"}
        statuses.append(new_traveller().sign_in().status)
    assert statuses == [200] * 3 + [429]
    with work() as w:
        assert len(users.find_page(w.read)) == 3


# On the way to an app


@pytest.fixture
def rp(work: Work, client: TestClient) -> RelyingParty:
    with work() as w:
        registered, secret = make_client(w, first_party=True)
    return RelyingParty(client, registered, secret)


@pytest.mark.parametrize("asked", [{}, {"prompt": "login"}], ids=["", "prompt=login"])
def test_the_app_gets_its_answer_and_learns_how_the_person_signed_in(
    traveller: Traveller, linked: str, rp: RelyingParty, asked: dict[str, str]
) -> None:
    answer = rp.ask(traveller.browser.client, **asked)
    traveller.sign_in(answer.location)
    assert traveller.browser.left_to is not None
    answer.response.headers["location"] = traveller.browser.left_to
    claims = rp.verify(rp.redeem(answer))
    assert claims["sub"] == linked
    assert (claims["amr"], claims["acr"]) == (["fed"], "aal1")


def test_a_sign_in_that_took_too_long_at_the_upstream_still_leads_to_the_app(
    traveller: Traveller, linked: str, rp: RelyingParty, clock: Clock
) -> None:
    """The state expires before the app's request does: trying again is still on the way to the app."""
    url = traveller.leave(rp.ask(traveller.browser.client).location)
    clock.advance(minutes=11)
    page = traveller.come_back(url)
    assert page.heading == "This sign-in has expired"
    traveller.come_back(traveller.press("Try Example again"))
    assert (traveller.browser.left_to or "").startswith(rp.client.metadata.redirect_uris[0])


def test_a_request_that_expires_at_the_upstream_leads_to_the_app(
    traveller: Traveller, linked: str, rp: RelyingParty, clock: Clock
) -> None:
    start = rp.ask(traveller.browser.client).location
    clock.advance(minutes=55)
    url = traveller.leave(start)
    clock.advance(minutes=6)
    page = traveller.come_back(url)
    assert page.path == "/start-again"
    assert "Go back to Example app (app.example.test)" in page.text
    assert is_signed_in(traveller.browser)


def test_another_browser_does_not_learn_where_a_sign_in_was_going(
    traveller: Traveller, new_browser: Callable[[], Browser], rp: RelyingParty, clock: Clock
) -> None:
    url = traveller.leave(rp.ask(traveller.browser.client).location)
    clock.advance(minutes=11)
    page = Traveller(new_browser(), traveller.provider).come_back(url)
    assert page.heading == "This sign-in has expired"
    assert rp.client_id not in page.html


@pytest.mark.parametrize(
    ("asked", "prompt", "max_age"),
    [
        ({}, None, "31536000"),
        ({"max_age": "300"}, None, "300"),
        ({"prompt": "login"}, "login", "0"),
        ({"prompt": "login consent", "max_age": "300"}, "login", "0"),
        ({"max_age": "0"}, "login", "0"),
    ],
)
def test_how_fresh_the_app_wants_it_is_passed_on(
    traveller: Traveller, rp: RelyingParty, asked: dict[str, str], prompt: str | None, max_age: str
) -> None:
    """OIDC Core section 3.1.2.1."""
    url = traveller.leave(rp.ask(traveller.browser.client, **asked).location)
    sent = dict(parse_qsl(urlsplit(url).query))
    assert (sent.get("prompt"), sent["max_age"]) == (prompt, max_age)


def test_a_sign_in_is_no_fresher_than_the_one_at_the_upstream(
    traveller: Traveller, linked: str, work: Work, clock: Clock
) -> None:
    """Whoever is still signed in there has proven nothing now: auth_time (OIDC Core section 2) tells apps and us so."""
    browser, earlier = traveller.browser, clock.now
    clock.advance(hours=3)
    traveller.provider.claims["auth_time"] = int(earlier.timestamp())
    traveller.sign_in()
    assert sessions_of(work, linked)[-1].auth_time == earlier
    assert browser.open("/account/sessions").path == "/account/sessions"
    page = browser.open("/account/delete")
    assert page.path == "/login"
    url = traveller.press("Sign in with Example")
    assert "prompt=login" in url
    refused = traveller.come_back(url)
    assert refused.status == 403
    assert "didn't ask you to" in refused.text
    traveller.provider.claims["auth_time"] = int(clock.now.timestamp())
    assert traveller.sign_in(page.url).path == "/account/delete"
    assert sessions_of(work, linked)[-1].auth_time == clock.now


def test_an_account_that_an_upstream_still_knew_counts_as_chosen(
    traveller: Traveller, linked: str, rp: RelyingParty, work: Work, clock: Clock
) -> None:
    """A browser in which another account signed in meanwhile is not asked once more. It is no new sign-in (OIDC Core
    section 3.1.2.1).
    """
    with work() as w:
        make_user(w, "bob@example.test")
    traveller.provider.claims["auth_time"] = int(clock.now.timestamp())
    clock.advance(hours=3)
    browser = traveller.browser
    answer = rp.ask(browser.client)
    url = traveller.leave(answer.location)
    sign_in(browser.new_tab(), "bob@example.test")
    traveller.come_back(url)
    assert browser.left_to is not None
    answer.response.headers["location"] = browser.left_to
    claims = rp.verify(rp.redeem(answer))
    assert claims["sub"] == linked
    assert claims["auth_time"] < clock.now.timestamp()
    assert rp.ask(browser.client, prompt="login").page == "/select-account"


def test_an_old_sign_in_at_the_upstream_still_counts_after_everybody_was_signed_out(
    traveller: Traveller, linked: str, work: Work, clock: Clock
) -> None:
    traveller.provider.claims["auth_time"] = int(clock.now.timestamp())
    clock.advance(hours=3)
    with work() as w:
        users.change_security_stamp(w.db, linked, now=w.now)
    assert traveller.sign_in().path == "/account"


# What the pages offer, and to whom


@pytest.mark.parametrize("path", ["/login", "/signup"])
def test_the_buttons_are_forms_with_a_token(browser: Browser, client: TestClient, path: str) -> None:
    """A-48: no link of another site sends anybody there."""
    form = browser.open(path).form(button="Sign in with Example")
    assert (form.method, form.action) == ("post", "/login/upstream/example/start")
    assert form.find("csrf_token") is not None
    assert client.post(form.action).status_code == 403
    assert client.get(form.action).headers["location"] == "/login"  # back to the form


def test_what_nobody_configured_is_not_there(browser: Browser, client: TestClient) -> None:
    page = browser.open("/login")
    page.form(button="Sign in with Example").action = "/login/upstream/other/start"
    assert browser.submit(button="Sign in with Example").status == 404
    assert client.get("/login/upstream/other/callback?state=x&code=y").status_code == 404


class TestSeveral:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        other = {**EXAMPLE, "issuer": "https://other.example.test", "name": "<b>Other</b>"}
        return {"example": {**EXAMPLE, "label": "Use your company account"}, "other": other}

    def test_each_upstream_has_a_button_in_the_order_of_the_file(self, browser: Browser) -> None:
        page = browser.open("/login")
        labels = [button.labels[0] for form in page.forms for button in form.buttons]
        assert labels[:2] == ["Sign in", "Sign in with a passkey"]
        assert labels[2:4] == ["Use your company account", "Sign in with <b>Other</b>"]


class TestWithoutUpstreams:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"upstreams": None})

    def test_there_is_no_trace_of_them(self, browser: Browser, client: TestClient, ada: str) -> None:
        assert "upstream" not in browser.open("/login").html
        assert "/account/linked" not in sign_in(browser).html
        assert client.get("/account/linked").status_code == 404
        assert client.get("/login/upstream/example/callback").status_code == 404


def test_a_stranger_with_nothing_in_hand_gets_an_answer_everywhere(client: TestClient, app: Starlette) -> None:
    """As test_architecture asks of the routes that are always there."""
    calls = [
        (method, path.replace("{key}", "example"))
        for route in flattened(app.routes)
        if (path := getattr(route, "path", "")).startswith(("/login/upstream/", "/account/linked"))
        for method in getattr(route, "methods", ())
    ]
    assert len(calls) == 19  # with HEAD beside each GET
    for method, path in calls:
        answer = client.request(method, path, headers={"accept": "text/html"})
        assert answer.status_code < 500
        assert method != "POST" or answer.status_code == (400 if path.endswith(("-logout", "/signals")) else 403)
        assert "signet-session" not in answer.cookies


def test_the_device_is_remembered_as_after_a_password(
    traveller: Traveller, linked: str, inbox: Inbox, clock: Clock, new_browser: Callable[[], Browser]
) -> None:
    clock.advance(minutes=1)
    letters = len(inbox.letters())
    traveller.sign_in()  # a browser that signed in before
    assert len(inbox.letters()) == letters
    Traveller(new_browser(), traveller.provider).sign_in()
    assert inbox.latest(ADDRESS).subject.startswith("New sign-in")
