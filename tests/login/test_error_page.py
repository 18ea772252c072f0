"""The page for an error that cannot be sent to the app: which app, what went wrong, what was sent, how to mend it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from provider.accounts.store.users import ADMIN
from provider.config.settings import Settings
from provider.oauth.clients import registration
from provider.oauth.clients.metadata import ClientMetadata
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import REDIRECT_URI, make_client, make_user
from tests.support.installation import Work
from tests.support.people import sign_in, turn_on_two_factor

WRONG = "https://app.example.test/callback/"
ENDPOINT = "/oauth2/authorize"
Ask = Callable[..., Page]


@pytest.fixture
def ask(browser: Browser, work: Work) -> Ask:
    """Send a request with a wrong redirect URI for a client with this metadata."""

    def act(*, stranger: bool = False, redirect_uri: str = WRONG, **metadata: Any) -> Page:
        with work() as w:
            if stranger:
                given = ClientMetadata(client_name="Your bank", redirect_uris=(REDIRECT_URI,), **metadata)
                client = registration.register(w, given).client
            else:
                client, _ = make_client(w, **metadata)
        return browser.open(f"{ENDPOINT}?{urlencode({'client_id': client.client_id, 'redirect_uri': redirect_uri})}")

    return act


def test_the_page_names_the_app_and_leads_to_where_it_starts(ask: Ask) -> None:
    """RFC 6749 section 4.1.2.1: never to the URI that was sent."""
    page = ask(client_uri="https://app.example.test/")
    assert (page.status, page.heading) == (400, "Something is wrong with Example app")
    assert page.links["Back to Example app"] == "https://app.example.test/"
    assert WRONG not in page.links.values()


def test_an_app_without_a_page_to_start_from_leads_to_the_account(ask: Ask) -> None:
    page = ask()
    assert page.heading == "Something is wrong with Example app"
    assert page.links["Go to your account"] == "/account"


@pytest.mark.parametrize("metadata", [{}, {"client_uri": "https://app.example.test/"}])
def test_the_name_that_an_app_gave_itself_is_not_shown(ask: Ask, metadata: dict[str, str]) -> None:
    """RFC 7591 section 5: nobody has looked at it."""
    page = ask(stranger=True, **metadata)
    assert page.heading == "Something is wrong with the app that sent you here"
    assert "Your bank" not in page.html
    assert metadata.get("client_uri") not in page.links.values()


def test_a_developer_sees_what_was_sent_and_where_it_is_explained(ask: Ask) -> None:
    page = ask()
    assert f"Received {WRONG}" in page.text
    assert page.links["Open the explanation in the console"].startswith("/admin/explain?error_id=")


def test_what_was_sent_is_text_and_short(ask: Ask) -> None:
    """A-95."""
    page = ask(redirect_uri='https://a.test/"><svg onload=alert(1)>' + "x" * 500)
    assert "<svg onload" not in page.html
    assert "x" * 200 not in page.html


def test_a_stranger_does_not_see_what_is_registered(ask: Ask, browser: Browser, work: Work) -> None:
    """Neither does a signed-in user, nor an operator before the second factor."""
    for email, roles in (("clerk@example.test", ()), ("admin@example.test", (ADMIN,))):
        with work() as w:
            make_user(w, email, roles=roles)
        sign_in(browser, email)
        page = ask()
        assert REDIRECT_URI + " " not in page.text.replace(WRONG, "")
        assert "Expected:" not in page.text


def test_an_operator_sees_the_explanation(ask: Ask, browser: Browser, work: Work, clock: Clock) -> None:
    with work() as w:
        make_user(w, roles=(ADMIN,))
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    page = ask()
    assert f"Expected: {REDIRECT_URI}" in page.text
    assert "RFC 9700 section 2.1" in page.text
    assert "signet client update CLIENT_ID --redirect-uri" in page.text


class TestOnALoopbackIssuer:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"issuer": "http://localhost:8000"})

    @pytest.fixture
    def browser(self, app: Starlette, settings: Settings) -> Browser:
        return Browser(app, settings.issuer)

    def test_everybody_sees_the_explanation(self, ask: Ask, settings: Settings) -> None:
        assert settings.loopback
        assert f"Expected: {REDIRECT_URI}" in ask().text


def test_an_unknown_app_and_a_wrong_sign_out_have_the_same_page(browser: Browser) -> None:
    page = browser.open(f"{ENDPOINT}?client_id=nobody")
    assert page.heading == "Something is wrong with the app that sent you here"
    assert "Received nobody" in page.text
    page = browser.open("/oauth2/logout?client_id=nobody&post_logout_redirect_uri=https://evil.test/")
    assert "https://evil.test/" not in page.links.values()
    assert "Details for the app's developer" in page.text
