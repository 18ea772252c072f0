"""/account/applications: what a person let in, and taking it back."""

import html
import re
from collections.abc import Callable

import pytest

from provider.accounts.store import users
from provider.oauth.authorize import consent
from provider.oauth.clients import registration
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.tokens.server import AuthorizationServer
from provider.sessions.lifecycle import end_all_sessions
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty

PATH = "/account/applications"
OFFLINE = {"scope": "openid email offline_access", "prompt": "consent"}


@pytest.fixture
def app_of_hers(register: Register) -> RelyingParty:
    return register(client_name="Garden <b>diary</b>")


def withdraw(browser: WatchedClient, client_id: str) -> str:
    """Press the button. The page after it."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(PATH).text)
    data = {"client_id": client_id, "csrf_token": token[1] if token else ""}
    answer = browser.post(PATH, data=data, headers={"sec-fetch-site": "same-origin"})
    return answer.headers.get("location", str(answer.status_code))


def test_an_application_is_listed_with_what_it_may_and_when_it_was_used(
    browser: WatchedClient, app_of_hers: RelyingParty, clock: Clock
) -> None:
    assert "No apps have access" in browser.get(PATH).text
    tokens = app_of_hers.sign_in(browser, scope="openid email")
    clock.advance(minutes=3)
    app_of_hers.refresh(tokens)
    page = browser.get(PATH).text
    assert "Garden &lt;b&gt;diary&lt;/b&gt;" in page
    assert "See your email address" in page
    assert f'last used <time datetime="{clock.now.isoformat()}' in page


def test_the_page_of_an_app_says_what_it_may_do_and_where_it_is_signed_in(
    browser: WatchedClient,
    app_of_hers: RelyingParty,
    work: Work,
    ada: str,
    server: AuthorizationServer,
    person: Person,
) -> None:
    app_of_hers.sign_in(browser, scope="openid email offline_access")
    address = f"{PATH}/app?client_id={app_of_hers.client_id}"
    assert address in html.unescape(browser.get(PATH).text)
    page = browser.get(address).text
    assert '<h1><span dir="auto">Garden &lt;b&gt;diary&lt;/b&gt;</span></h1>' in page
    assert "See your email address" in page
    assert "Stays connected after you sign out." in page
    assert page.count("This device") == 1
    assert "asks each time" in page
    with work() as w:
        found = server.clients.find(w, app_of_hers.client_id)
        assert found is not None
        consent.grant(w, user_id=ada, client=found, scopes=("openid",), claims=frozenset({"birthdate"}))
    page = browser.get(address).text
    assert "See your date of birth" in page
    assert "asks each time" not in page
    with work() as w:
        end_all_sessions(w, user_id=ada, reason="test")
    page = person(ada).get(address).text
    assert "This device" not in page
    assert "A device where you are no longer signed in here" in page


def test_only_a_reviewed_app_shows_its_logo_and_only_from_its_site(
    browser: WatchedClient, register: Register, work: Work, ada: str
) -> None:
    """An app that registered itself chose its logo."""
    app = register(client_name="Quill", logo_uri="https://cdn.example.test/quill.png")
    app.sign_in(browser)
    with work() as w:
        given = ClientMetadata(
            client_name="Bank",
            redirect_uris=("https://shop.example.test/callback",),
            logo_uri="https://bank.example.test/logo.png",
        )
        consent.grant(
            w, user_id=ada, client=registration.register(w, given).client, scopes=("openid",), claims=frozenset()
        )
    for path in (PATH, f"{PATH}/app?client_id={app.client_id}"):
        answer = browser.get(path)
        assert 'src="https://cdn.example.test/quill.png"' in answer.text
        assert "https://cdn.example.test" in answer.headers["content-security-policy"]
        assert "bank.example.test" not in answer.text + answer.headers["content-security-policy"]


def test_the_headers_of_the_list_fit_into_the_buffer_of_a_proxy(
    browser: WatchedClient, app_of_hers: RelyingParty, work: Work, ada: str
) -> None:
    """Nginx has 4 kB for them, unless it is told otherwise."""
    app_of_hers.sign_in(browser)
    with work() as w:
        for number in range(100):
            logo = f"https://logos{number}.apps.example.test/logo.png"
            client, _ = make_client(w, redirect_uris=("https://app.example.test/cb",), logo_uri=logo)
            consent.grant(w, user_id=ada, client=client, scopes=("openid",), claims=frozenset())
    answer = browser.get(PATH)
    assert "https://logos99.apps.example.test/logo.png" in answer.text
    assert "img-src 'self' data: https:; " in answer.headers["content-security-policy"]
    assert sum(len(name) + len(value) + 4 for name, value in answer.headers.items()) < 3000


def test_withdrawing_ends_the_tokens_and_the_consent(
    browser: WatchedClient, app_of_hers: RelyingParty, work: Work, ada: str, server: AuthorizationServer
) -> None:
    """OWASP ASVS v5.0.0-10.4.9, 10.7.3."""
    tokens = app_of_hers.sign_in(browser)
    with work() as w:
        found = server.clients.find(w, app_of_hers.client_id)
        assert found is not None
        consent.grant(w, user_id=ada, client=found, scopes=("openid",), claims=frozenset())
    assert "Access given" in browser.get(f"{PATH}/app?client_id={app_of_hers.client_id}").text
    assert withdraw(browser, app_of_hers.client_id) == f"{PATH}?ended=yes"
    assert not app_of_hers.is_active(tokens.access_token)
    assert app_of_hers.refresh(tokens).error == "invalid_grant"
    assert "No apps have access" in browser.get(PATH).text
    assert withdraw(browser, app_of_hers.client_id) in {PATH, "403"}  # a second press leads on


def test_what_no_longer_counts_is_not_listed(
    browser: WatchedClient, app_of_hers: RelyingParty, work: Work, ada: str, clock: Clock, person: Person
) -> None:
    app_of_hers.sign_in(browser, scope="openid")
    with work() as w:
        end_all_sessions(w, user_id=ada, reason="test")
    again = person(ada)
    assert "No apps have access" in again.get(PATH).text
    app_of_hers.sign_in(again, scope="openid")
    clock.advance(minutes=1)
    with work() as w:
        users.change_security_stamp(w.db, ada, now=w.now)
    assert "No apps have access" in person(ada).get(PATH).text


def test_a_user_cannot_withdraw_consent_of_another_user(
    browser: WatchedClient, app_of_hers: RelyingParty, work: Work, person: Person
) -> None:
    tokens = app_of_hers.sign_in(browser)
    with work() as w:
        eve = make_user(w, "eve@example.test")
    hers = person(eve)
    assert "No apps have access" in hers.get(PATH).text
    withdraw(hers, app_of_hers.client_id)
    assert app_of_hers.is_active(tokens.access_token)


def test_a_signed_out_visitor_is_sent_to_sign_in(new_http: Callable[[], WatchedClient]) -> None:
    assert new_http().get(PATH).headers["location"].startswith("/login?")
