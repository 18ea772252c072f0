"""What an ID token says."""

import pytest

from tests.oauth.conftest import Person
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.relying_party import TWO_FACTORS, RelyingParty

ALWAYS = {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid", "at_hash"}


def test_it_holds_what_it_must_and_nothing_of_the_profile(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 2; oidcc-server: nothing beyond what was asked for."""
    assert set(rp.verify(rp.sign_in(browser, nonce=None))) == ALWAYS
    assert set(rp.verify(rp.sign_in(browser, scope="openid profile email"))) == ALWAYS | {"nonce"}


def test_its_times_are_whole_seconds(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """OIDC Core section 2: signed in 40 seconds ago, good for an hour."""
    claims = rp.verify(rp.sign_in(browser))
    now = int(clock.now.timestamp())
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (now, now + 3600, now - 40)


def test_its_subject_is_ascii_and_the_same_everywhere(rp: RelyingParty, browser: WatchedClient, ada: str) -> None:
    """OIDC Core section 2: at most 255 ASCII characters, never reassigned."""
    tokens = rp.sign_in(browser)
    subject = rp.verify(tokens)["sub"]
    assert subject == ada == rp.userinfo(tokens).json()["sub"] == rp.introspect(tokens.access_token)["sub"]
    assert subject.isascii()
    assert len(subject) <= 255


def test_two_sessions_of_one_person_have_two_sids(rp: RelyingParty, person: Person, ada: str) -> None:
    """OIDC Back-Channel Logout section 2.1; A-53."""
    first, second = (rp.verify(rp.sign_in(person(ada)))["sid"] for _ in range(2))
    assert first != second


def test_the_sid_is_not_the_cookie(rp: RelyingParty, browser: WatchedClient) -> None:
    """A-47: a value that apps see gives nobody a session."""
    assert rp.verify(rp.sign_in(browser))["sid"] not in str(browser.cookies)


@pytest.mark.parametrize(("amr", "acr"), [("pwd", "aal1"), (TWO_FACTORS, "aal2")])
def test_an_id_token_states_amr_and_acr(rp: RelyingParty, person: Person, ada: str, amr: str, acr: str) -> None:
    """OIDC Core section 2, RFC 8176."""
    claims = rp.verify(rp.sign_in(person(ada, amr=amr)))
    assert (claims["amr"], claims["acr"]) == (amr.split(), acr)
