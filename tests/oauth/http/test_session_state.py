"""session_state and the page that compares it: on only where SIGNET_SESSION_MANAGEMENT is."""

from hashlib import sha256
from urllib.parse import urlsplit

import pytest
from starlette.routing import Route

from provider.config.settings import Settings
from provider.routes import routes
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import ISSUER, settings_for
from tests.support.relying_party import Answer, RelyingParty

COOKIE = "__Host-signet-state"
CHECK = "/oauth2/check-session"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, session_management=True)


def is_unchanged(rp: RelyingParty, browser: WatchedClient, session_state: str) -> bool:
    """What templates/static/check_session.js finds (section 3.2)."""
    hashed, salt = session_state.split(".")
    uri = urlsplit(rp.client.metadata.redirect_uris[0])
    states = (browser.cookies.get(COOKIE) or "").split(".")
    texts = [f"{rp.client_id} {uri.scheme}://{uri.netloc} {state} {salt}" for state in states]
    return hashed in [sha256(text.encode()).hexdigest() for text in texts]


def state_in(answer: Answer) -> str:
    return answer.parameters["session_state"]


def test_an_answer_says_which_session_it_is_about_until_that_ends(rp: RelyingParty, browser: WatchedClient) -> None:
    """Session Management sections 2, 3; oidcc-session-management-rp-initiated-logout."""
    answer = rp.ask(browser)
    first = state_in(answer)
    cookie = next(c for c in answer.response.headers.get_list("set-cookie") if c.startswith(COOKIE))
    assert {"Secure", "SameSite=none", "Path=/"} <= set(cookie.split("; "))
    assert "HttpOnly" not in cookie, "the page's script reads it"
    assert is_unchanged(rp, browser, first)
    again = rp.ask(browser, response_mode="fragment")
    assert state_in(again) != first, "salted anew"
    assert is_unchanged(rp, browser, first)
    assert is_unchanged(rp, browser, state_in(again))
    rp.log_out(browser, rp.redeem(again))
    assert not is_unchanged(rp, browser, first)
    assert "session_state" not in rp.ask(browser, prompt="none").parameters, "nobody is there"


def test_no_app_can_take_anothers_for_its_own_and_an_error_has_one_too(
    rp: RelyingParty, register: Register, browser: WatchedClient
) -> None:
    """Session Management sections 3, 4.2."""
    other = register(redirect_uris=("https://other.example.test/cb",), first_party=False)
    refused = other.ask(browser, prompt="none")
    assert refused.error == "consent_required"
    assert is_unchanged(other, browser, state_in(refused))
    assert not is_unchanged(rp, browser, state_in(refused))
    native = register(public=True, redirect_uris=("com.example:/cb",), application_type="native")
    assert "session_state" not in native.ask(browser).parameters, "no page there could frame ours"


def test_a_session_that_ended_elsewhere_is_noticed_at_the_next_question(
    rp: RelyingParty, browser: WatchedClient, person: Person
) -> None:
    """Section 3.2: the app asks with prompt=none, and the cookie follows."""
    known = rp.ask(browser)
    form = {"id_token_hint": rp.redeem(known).id_token}
    person().post("/oauth2/logout", data=form, headers={"origin": "https://app.example.test"})
    assert rp.ask(browser, prompt="none").error == "login_required"
    assert not is_unchanged(rp, browser, state_in(known))


def test_only_this_page_may_be_framed(client: WatchedClient) -> None:
    """Section 3.3. A-52."""
    response = client.get(CHECK)
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors" not in policy
    assert "x-frame-options" not in response.headers
    assert "default-src 'none'" in policy
    assert "set-cookie" not in response.headers
    assert f'data-cookie="{COOKIE}"' in response.text
    assert client.get("/login").headers["x-frame-options"] == "DENY"
    document = client.get("/.well-known/openid-configuration").json()
    assert document["check_session_iframe"] == ISSUER + CHECK
    assert CHECK not in {route.path for route in routes(Settings()) if isinstance(route, Route)}, "off unless set"
