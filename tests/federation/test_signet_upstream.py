"""One Signet signs people in at another: the whole way, with nothing faked but the wire."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts.linked_identities import unlink
from provider.app import create_app
from provider.config.settings import Settings
from provider.installation import open_installation
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.outbound.answers import Answer
from provider.ratelimit_counter import LimitCounter
from provider.sessions.store import find_all
from provider.work import Installation, unit_of_work
from tests.federation.conftest import EXAMPLE, identities_of
from tests.federation.upstream_tokens.people import deliver
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, find_user, is_signed_in, sign_in
from tests.support.relying_party import RelyingParty, Tokens

UPSTREAM = "https://upstream.example.test"
CALLBACK = "https://id.example.test/login/upstream/signet/callback"


class Wire:
    """Every request goes to the one app that is there."""

    def __init__(self, app: Starlette) -> None:
        self.client = TestClient(app, base_url=UPSTREAM, follow_redirects=False)

    def fetch(self, url: str, *, accept: Collection[str]) -> Answer:
        return self._answer(self.client.get(url, headers={"accept": ", ".join(accept)}))

    def post_form(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
        return self._answer(self.client.post(url, data=dict(form), headers=dict(headers or {})))

    def _answer(self, response: Any) -> Answer:
        return Answer(response.status_code, response.headers["content-type"].partition(";")[0], response.content)


@pytest.fixture
def upstream(tmp_path: Path, sqlite_template: Path, clock: Clock) -> Iterator[Installation]:
    """The other installation."""
    settings = settings_for(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'upstream.db')}", issuer=UPSTREAM)
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    yield installation
    installation.database.close()


@pytest.fixture
def upstream_app(upstream: Installation) -> Iterator[Starlette]:
    app = create_app(upstream)
    yield app
    app.state.threads.close()


@pytest.fixture
def configured(upstream: Installation) -> dict[str, dict[str, Any]]:
    with unit_of_work(upstream) as work:
        client, secret = make_client(
            work, redirect_uris=(CALLBACK,), scope="openid email profile", first_party=True, client_name="The other one"
        )
        make_user(work, name="Ada Lovelace")
    return {
        "signet": {
            **EXAMPLE,
            "name": "Other Signet",
            "issuer": UPSTREAM,
            "client_id": client.client_id,
            "client_secret": secret,
        }
    }


@pytest.fixture
def installation(settings: Settings, clock: Clock, upstream_app: Starlette) -> Iterator[Installation]:
    wire = Wire(upstream_app)
    installation = open_installation(settings, clock=clock, counter=LimitCounter(), outbound=wire)
    yield installation
    installation.database.close()


Go = Callable[..., Page]


@pytest.fixture
def go(browser: Browser, upstream_app: Starlette) -> Go:
    """From a page of ours to the other one, where somebody signs in, and back."""
    there = Browser(upstream_app, UPSTREAM)

    def go(start: str = "/login", *, signs_in: bool = True) -> Page:
        page = browser.open(start)
        page = browser.submit(button="Sign in with Other Signet")
        there.open(page.links["Continue to Other Signet"])
        if signs_in:
            there.submit({"username": ADDRESS, "password": PASSWORD})
        assert there.left_to is not None, there.page
        return browser.open(there.left_to)

    return go


def test_a_person_of_one_gets_an_account_at_the_other(go: Go, upstream: Installation, work: Work) -> None:
    assert go().path == "/account"
    user = find_user(work)
    assert user.claims == {"name": "Ada Lovelace"}
    [identity] = identities_of(work, user.id)
    with unit_of_work(upstream) as other:
        [there] = [session.user_id for session in find_all(other.read, identity.subject)]
    assert (identity.issuer, identity.subject) == (UPSTREAM, there)


def test_who_is_still_signed_in_there_is_not_asked_again(go: Go, browser: Browser, work: Work, clock: Clock) -> None:
    go()
    signed_in_at = clock.now
    browser.open("/account")
    browser.submit(action="/sign-out")
    clock.advance(minutes=50)
    assert go(signs_in=False).path == "/account"
    with work() as w:
        assert find_all(w.read, find_user(work).id)[-1].auth_time == signed_in_at


def test_a_fresh_sign_in_is_asked_for_there(go: Go, browser: Browser, clock: Clock) -> None:
    go()
    clock.advance(minutes=20)
    assert browser.open("/account/data/export.json").path == "/login"
    assert go("/login?prompt=login&return_to=/account/data/export.json").path == "/account/data/export.json"


def test_whoever_cancels_there_is_led_on(browser: Browser, upstream_app: Starlette) -> None:
    there = Browser(upstream_app, UPSTREAM)
    browser.open("/login")
    page = browser.submit(button="Sign in with Other Signet")
    there.open(page.links["Continue to Other Signet"])
    there.submit(button="Cancel and go back to The other one")
    assert there.left_to is not None
    page = browser.open(there.left_to)
    assert page.status == 403
    assert "was canceled" in page.text
    assert browser.follow("Sign in another way").path == "/login"


def test_a_secret_that_was_changed_there_signs_nobody_in(
    go: Go, upstream: Installation, browser: Browser, clock: Clock
) -> None:
    with unit_of_work(upstream) as other:
        [client] = clients.list_clients(other)
        secret_rotation.rotate_secret(other, client_id=client.client_id)
    clock.advance(hours=25)
    page = go()
    assert page.status == 403
    assert "invalid_client" in page.text
    assert not is_signed_in(browser)


def test_both_have_their_own_accounts(go: Go, browser: Browser, work: Work) -> None:
    """The password of one opens nothing at the other."""
    go()
    browser.open("/account")
    browser.submit(action="/sign-out")
    assert sign_in(browser).status == 400


class TestTokens:
    """An app here calls the API of the other one for its user."""

    @pytest.fixture
    def configured(self, configured: dict[str, dict[str, Any]], upstream: Installation) -> dict[str, dict[str, Any]]:
        with unit_of_work(upstream) as other:
            [client] = clients.list_clients(other)
            wider = replace(
                client.metadata,
                scope="openid email profile offline_access",
                grant_types=("authorization_code", "refresh_token"),
            )
            clients.update_client(other, client.client_id, wider)
        return {"signet": configured["signet"] | {"store_tokens": True, "token_scopes": ["offline_access"]}}

    def test_an_app_gets_tokens_that_open_the_api_there_until_the_account_is_unlinked(
        self,
        go: Go,
        browser: Browser,
        client: TestClient,
        installation: Installation,
        upstream_app: Starlette,
        work: Work,
        clock: Clock,
    ) -> None:
        """RFC 8693, RFC 6749 section 6, RFC 7009."""
        with work() as w:
            made, secret = make_client(
                w,
                first_party=True,
                scope="openid",
                upstream_tokens=("signet",),
                grant_types=("authorization_code", "refresh_token", TOKEN_EXCHANGE),
            )
        app, there = RelyingParty(client, made, secret), TestClient(upstream_app, base_url=UPSTREAM)

        def fetch() -> Tokens:
            subject = app.redeem(app.ask(browser.client, scope="openid")).access_token
            given = {"subject_token": subject, "subject_token_type": ACCESS_TOKEN, "audience": "signet"}
            return Tokens(app.post("/oauth2/token", grant_type=TOKEN_EXCHANGE, **given))

        def opens(token: str) -> bool:
            asked = there.get("/oauth2/userinfo", headers={"authorization": f"Bearer {token}"})
            return asked.status_code == 200

        go()
        first = fetch().access_token
        clock.advance(minutes=11)
        second = fetch().access_token
        assert not opens(first)
        assert opens(second)
        [identity] = identities_of(work, find_user(work).id)
        with work() as w:
            unlink(w, user_id=identity.user_id, identity_id=identity.id, name_of=str, force=True)
        deliver(installation)
        assert not opens(second)
        assert fetch().error == "invalid_grant"
