"""Answers that travel through the browser: state, nonce, iss and code arrive as they should, and nothing else does."""

import math
import string
from collections import Counter
from urllib.parse import unquote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provider.crypto.digests import new_opaque
from provider.oauth.authorization_response import send_back
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.relying_party import ISSUER, RelyingParty

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    "state",
    [
        "x",
        "x" * 2000,
        "a&b=c\"d<e>'f#g+h%i",
        "line\nbreak\ttab",
        "emoji \U0001f600 ä",
        string.printable.strip(),
        "-._~" * 32,
        "code=stolen&iss=https://evil.test",
    ],
)
def test_state_comes_back_as_it_was(rp: RelyingParty, browser: WatchedClient, state: str) -> None:
    """RFC 6749 section 4.1.2; A-29."""
    answer = rp.ask(browser, state=state)
    assert answer.parameters["state"] == state
    assert set(answer.parameters) == {"code", "state", "iss"}
    assert answer.location.isascii()


@once
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200))
def test_any_state_comes_back_byte_for_byte(rp: RelyingParty, browser: WatchedClient, state: str) -> None:
    """RFC 6749 section 4.1.2."""
    for changes in ({}, {"response_type": "token"}):
        location = rp.ask(browser, state=state, **changes).location
        sent = next(part for part in location.partition("?")[2].split("&") if part.startswith("state="))
        assert unquote_plus(sent.removeprefix("state="), errors="strict") == state


def test_a_request_without_state_is_answered_without(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 4.1.2."""
    assert set(rp.ask(browser, state=None).parameters) == {"code", "iss"}


def test_a_nul_in_state_is_refused_and_sent_back(rp: RelyingParty, browser: WatchedClient) -> None:
    """A-29."""
    answer = rp.ask(browser, state="a\x00b")
    assert (answer.error, answer.parameters["state"]) == ("invalid_request", "a\x00b")


@pytest.mark.parametrize("nonce", ["n", "x" * 384, '\U0001f600 " & <', "n" * 2000])
def test_the_nonce_lands_in_the_id_token_only(rp: RelyingParty, browser: WatchedClient, nonce: str) -> None:
    """OIDC Core section 3.1.3.6; A-29."""
    tokens = rp.sign_in(browser, nonce=nonce)
    assert rp.verify(tokens)["nonce"] == nonce
    assert tokens.answer is not None
    assert "nonce" not in tokens.answer.parameters
    assert "nonce" not in rp.introspect(tokens.access_token)


def test_a_request_without_nonce_gets_a_token_without(rp: RelyingParty, browser: WatchedClient) -> None:
    """oidcc-ensure-request-without-nonce-succeeds-for-code-flow."""
    assert "nonce" not in rp.verify(rp.sign_in(browser, nonce=None))


@pytest.mark.parametrize(
    "changes",
    [{}, {"prompt": "none", "max_age": "0"}, {"response_type": "token"}, {"scope": "x"}, {"code_challenge": None}],
)
def test_every_answer_names_the_issuer(
    rp: RelyingParty, browser: WatchedClient, changes: dict[str, str | None]
) -> None:
    """RFC 9207 section 2; A-28."""
    answer = rp.ask(browser, **changes)
    assert answer.parameters["iss"] == ISSUER
    assert answer.location.count("iss=") == 1


def test_a_redirect_is_see_other(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9700 section 4.12: never 307; A-33."""
    answer = rp.ask(browser)
    assert answer.response.status_code == 303
    assert answer.response.text == ""


def test_no_token_is_in_a_redirect(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9700 section 4.3; A-34."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert tokens.answer is not None
    for value in (tokens.access_token, tokens.refresh_token, tokens.id_token, rp.secret or ""):
        assert value not in tokens.answer.location


def test_a_code_is_beyond_guessing(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 6749 section 10.10; section 1 of the certification: 128 bits, random."""
    codes = {rp.ask(browser).code for _ in range(5)}
    assert len(codes) == 5
    assert all(len(code) == 43 for code in codes)
    # The last of 43 letters holds only four of the 256 bits.
    letters = Counter("".join(new_opaque()[:42] for _ in range(500)))
    total = letters.total()
    assert -sum(count / total * math.log2(count / total) for count in letters.values()) > 5.9


@pytest.mark.parametrize(
    ("uri", "parameters", "location"),
    [
        ("https://a.test/cb", {"state": "s"}, "https://a.test/cb?state=s"),
        ("https://a.test/cb?x=1", {"state": "s"}, "https://a.test/cb?x=1&state=s"),
        ("https://a.test/cb?", {"state": "s"}, "https://a.test/cb?state=s"),
        ("https://a.test/cb?x=1&", {"state": "s"}, "https://a.test/cb?x=1&state=s"),
        ("https://a.test/cb", {"state": None}, "https://a.test/cb"),
        ("com.example:/cb", {"state": "a b+c"}, "com.example:/cb?state=a+b%2Bc"),
    ],
)
def test_parameters_are_added_to_the_registered_uri(uri: str, parameters: dict[str, str | None], location: str) -> None:
    """RFC 6749 section 3.1.2: its own query is retained."""
    assert send_back(uri, parameters).headers["location"] == location


def test_the_error_of_a_private_use_scheme_goes_to_that_scheme(
    register: Register, browser: WatchedClient, hosts: set[str]
) -> None:
    """RFC 8252 section 7.1."""
    rp = register(public=True, application_type="native", redirect_uris=("com.example.app:/cb",))
    assert rp.ask(browser, response_type="token").location.startswith("com.example.app:/cb?error=")
