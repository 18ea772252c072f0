"""Giving tokens back."""

import pytest

from provider.accounts.activity import SENTENCES, find_activity
from provider.audit import store as audit
from provider.audit.events import Event
from tests.oauth.conftest import Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import REVOKE, RelyingParty, Tokens


@pytest.fixture
def tokens(rp: RelyingParty, browser: WatchedClient) -> Tokens:
    return rp.sign_in(browser, scope="openid offline_access")


def test_a_refresh_token_takes_its_family_with_it(rp: RelyingParty, tokens: Tokens) -> None:
    """RFC 7009 section 2.1. Replaces: token lifetimes, rotation, logout."""
    response = rp.revoke(tokens.refresh_token)
    assert (response.status_code, response.content) == (200, b"")
    assert "text/plain" not in response.headers.get("content-type", "")
    assert rp.refresh(tokens).error == "invalid_grant"
    assert rp.userinfo(tokens).status_code == 401
    assert not rp.is_active(tokens.access_token)


def test_a_rotated_refresh_token_takes_the_family_too(rp: RelyingParty, tokens: Tokens) -> None:
    """RFC 7009 section 2.1."""
    second = rp.refresh(tokens)
    rp.revoke(tokens.refresh_token)
    assert rp.refresh(second).error == "invalid_grant"


def test_an_access_token_takes_only_itself(rp: RelyingParty, tokens: Tokens) -> None:
    """RFC 7009 section 2.1."""
    assert rp.revoke(tokens.access_token).status_code == 200
    assert rp.userinfo(tokens).status_code == 401
    assert not rp.is_active(tokens.access_token)
    second = rp.refresh(tokens)
    assert rp.userinfo(second).status_code == 200


def test_users_see_that_an_app_revoked_an_access_token(rp: RelyingParty, tokens: Tokens, work: Work) -> None:
    rp.revoke(tokens.access_token)
    with work() as w:
        [event] = audit.find(w.read, names=["token.revoked"])
        assert event.user_id is not None
        seen = [entry.sentence for entry in find_activity(w, event.user_id, client_id=rp.client_id)]
    assert SENTENCES[Event.TOKEN_REVOKED] in seen


def test_a_token_of_the_client_itself_is_of_no_user(register: Register, work: Work) -> None:
    app = register(grant_types=("client_credentials",), redirect_uris=(), scope="api:read")
    app.revoke(app.client_credentials().access_token)
    with work() as w:
        [event] = audit.find(w.read, names=["token.revoked"])
    assert (event.user_id, event.client_id) == (None, app.client_id)


@pytest.mark.both_databases
def test_revoking_twice_is_no_error(rp: RelyingParty, tokens: Tokens) -> None:
    """RFC 7009 section 2.2."""
    for token in (tokens.access_token, tokens.refresh_token):
        assert [rp.revoke(token).status_code for _ in range(2)] == [200, 200]


def test_revoking_an_unknown_token_succeeds(rp: RelyingParty, tokens: Tokens, unchanged: Unchanged) -> None:
    """RFC 7009 section 2.2."""
    for token in ("x", "a.b.c", "..", "\x00", "ä", "x" * 9000, tokens.id_token):
        with unchanged():
            assert rp.revoke(token).status_code == 200


def test_an_expired_token_is_no_error(rp: RelyingParty, tokens: Tokens, unchanged: Unchanged, clock: Clock) -> None:
    """RFC 7009 section 2.2."""
    clock.advance(hours=1)
    with unchanged():
        assert rp.revoke(tokens.access_token).status_code == 200


def test_another_client_cannot_revoke(
    rp: RelyingParty, register: Register, tokens: Tokens, unchanged: Unchanged
) -> None:
    """RFC 7009 section 2.1."""
    other = register()
    for token in (tokens.access_token, tokens.refresh_token):
        with unchanged():
            response = other.revoke(token)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert rp.refresh(tokens).status == 200


def test_an_unauthenticated_client_cannot_revoke(rp: RelyingParty, tokens: Tokens, unchanged: Unchanged) -> None:
    """RFC 7009 section 2.1."""
    form = {"token": tokens.refresh_token, "client_id": rp.client_id}
    with unchanged():
        response = rp.http.post(REVOKE, data=form)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_public_client_revokes_its_own(register: Register, browser: WatchedClient) -> None:
    """RFC 7009 section 2.1."""
    rp = register(public=True)
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert rp.revoke(tokens.refresh_token).status_code == 200
    assert rp.refresh(tokens).error == "invalid_grant"


def test_a_missing_token_is_an_invalid_request(rp: RelyingParty) -> None:
    """RFC 7009 section 2.1."""
    response = rp.post(REVOKE)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unheard-of"])
def test_a_hint_is_only_a_hint(rp: RelyingParty, tokens: Tokens, hint: str) -> None:
    """RFC 7009 section 2.1."""
    assert rp.post(REVOKE, token=tokens.refresh_token, token_type_hint=hint).status_code == 200
    assert rp.refresh(tokens).error == "invalid_grant"
