"""Signing keys: rotation, revocation, and what still verifies at each step."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select, update

from provider.app import create_app
from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.oauth import keys
from provider.oauth.keys import ES256, RS256, SignatureRefused, UnknownKey
from provider.oauth.server import AuthorizationServer
from provider.oauth.store import signing_keys
from provider.settings import SettingsError
from provider.work import Installation
from tests.clock import Clock
from tests.conftest import ISSUER, Work
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.relying_party import RelyingParty, Tokens

PRECIOUS = 3
"""How many RSA keys are made for this file: making one takes up to a second."""


@pytest.fixture(scope="module")
def spare_keys() -> list[RSAKey]:
    use: Any = {"use": "sig", "alg": RS256}
    return [RSAKey.generate_key(2048, use, private=True) for _ in range(PRECIOUS)]


@pytest.fixture(autouse=True)
def _made_before(monkeypatch: pytest.MonkeyPatch, spare_keys: list[RSAKey]) -> None:
    """Each test may make a few RSA keys; they are the same few for every test."""
    left = iter(spare_keys)
    monkeypatch.setattr(RSAKey, "generate_key", lambda *_, **__: next(left))


def kid_of(token: str) -> str:
    return str(keys._header_of(token)["kid"])


def published(rp: RelyingParty) -> list[str]:
    return [key["kid"] for key in rp.jwks()["keys"]]


def rotate(work: Work, times: int = 1, **how: Any) -> tuple[str, str]:
    for _ in range(times):
        with work() as w:
            done = keys.rotate(w, **how)
    return done


def test_an_upcoming_key_is_published_before_it_signs(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """OIDC Core section 10.1.1."""
    before = kid_of(rp.sign_in(browser).id_token)
    current, upcoming = rotate(work)
    assert current == before
    assert upcoming in published(rp)
    assert kid_of(rp.sign_in(browser).id_token) == before


def test_the_next_rotation_signs_with_it_and_the_old_key_still_verifies(
    rp: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """OIDC Core section 10.1.1; A-108."""
    old = rp.sign_in(browser, scope="openid offline_access")
    _, upcoming = rotate(work)
    assert rotate(work)[0] == upcoming
    new = rp.sign_in(browser)
    assert kid_of(new.id_token) == kid_of(new.access_token) == upcoming
    assert {kid_of(old.id_token), upcoming} < set(published(rp))
    assert rp.userinfo(old).status_code == 200
    assert rp.verify(old)
    assert rp.refresh(old).status == 200


def test_a_retired_key_leaves_when_its_last_token_has_expired(
    rp: RelyingParty, browser: WatchedClient, work: Work, clock: Clock
) -> None:
    """A-108."""
    old = rp.sign_in(browser)
    rotate(work, 2)
    clock.advance(hours=1, minutes=5)
    assert kid_of(old.id_token) not in published(rp)
    with work() as w, pytest.raises(SignatureRefused):
        server(rp).keys.verify(w, str(old.id_token), typ="jwt")


def server(rp: RelyingParty) -> AuthorizationServer:
    found: AuthorizationServer = rp.http.app.state.oauth  # type: ignore[attr-defined]
    return found


def test_a_revoked_key_verifies_nothing_at_once(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """A-108: and signing goes on with another."""
    old = rp.sign_in(browser)
    with work() as w:
        keys.revoke(w, kid=kid_of(old.id_token))
    assert kid_of(old.id_token) not in published(rp)
    assert rp.userinfo(old).status_code == 401
    assert not rp.is_active(old.access_token)
    assert rp.log_out(browser, old).status_code == 400
    new = rp.sign_in(browser)
    assert rp.verify(new)
    assert rp.userinfo(new).status_code == 200


def test_a_revoked_key_keeps_no_private_part(work: Work) -> None:
    """data.md, signing_keys."""
    with work() as w:
        kid = keys.list_keys(w)[0].kid
        keys.revoke(w, kid=kid)
    with work() as w:
        row = next(row for row in keys.list_keys(w) if row.kid == kid)
        assert (row.private, row.state) == (None, "revoked")


@pytest.mark.parametrize("kid", ["x", "", "\x00", "x" * 43])
def test_an_unknown_key_cannot_be_revoked(work: Work, kid: str) -> None:
    with work() as w, pytest.raises(UnknownKey):
        keys.revoke(w, kid=kid)


def test_a_key_is_revoked_once(work: Work) -> None:
    with work() as w:
        kid = keys.list_keys(w)[0].kid
        keys.revoke(w, kid=kid)
    with work() as w, pytest.raises(UnknownKey):
        keys.revoke(w, kid=kid)


def test_each_algorithm_rotates_by_itself(work: Work) -> None:
    """protocol.md section 11: an RS256 key and an ES256 key."""
    with work() as w:
        before = {row.alg: row.kid for row in keys.list_keys(w)}
    rotate(work, 2, alg=ES256)
    with work() as w:
        current = {row.alg: row.kid for row in keys.list_keys(w) if row.state == "current"}
    assert current[RS256] == before[RS256]
    assert current[ES256] != before[ES256]


def test_only_our_algorithms_rotate(work: Work) -> None:
    with work() as w, pytest.raises(UnknownKey):
        keys.rotate(w, alg="HS256")


def test_first_keys_are_made_once(work: Work) -> None:
    with work() as w:
        assert keys.create_first_keys(w) == []


def test_every_change_is_told_to_the_audit_log(work: Work) -> None:
    rotate(work, 2)
    with work() as w:
        keys.revoke(w, kid=keys.list_keys(w)[0].kid)
    with work() as w:
        names = {event.name for event in find_events(w.read)}
    assert {Event.KEY_CREATED, Event.KEY_ROTATED, Event.KEY_REVOKED} <= names


def test_a_kid_is_the_thumbprint_of_its_key(work: Work) -> None:
    """RFC 7638 section 3."""
    with work() as w:
        for row in keys.list_keys(w):
            key = RSAKey.import_key(row.public) if row.alg == RS256 else ECKey.import_key(row.public)
            assert key.thumbprint() == row.kid


def test_private_parts_are_encrypted_at_rest(work: Work) -> None:
    """A-104."""
    with work() as w:
        for row in keys.list_keys(w):
            assert row.private is not None
            assert '"d"' not in row.private
            assert json.loads(w.vault.decrypt(row.private, purpose=keys.PURPOSE, context=row.kid))["d"]
            assert "d" not in row.public


def test_another_node_sees_a_new_key_at_once(
    rp: RelyingParty, browser: WatchedClient, work: Work, installation: Installation, clock: Clock
) -> None:
    """A-108: two nodes serve the same set; an unknown kid is looked up, whatever the cache says."""
    node = create_app(installation)
    other = WatchedClient(node, ISSUER)
    assert other.get("/oauth2/jwks").status_code == 200
    object.__setattr__(node.state.oauth.keys.installation.settings, "key_cache", 300.0)
    clock.advance(seconds=1)
    rotate(work, at_once=True)
    rp.http.app.state.oauth.keys._ring = None  # type: ignore[attr-defined]  # the node that rotated
    token = rp.sign_in(browser).access_token
    response = other.get("/oauth2/userinfo", headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 200
    node.state.threads.close()


def test_without_a_current_key_nothing_is_signed(rp: RelyingParty, work: Work, installation: Installation) -> None:
    """A-128: a clear line instead of a token nobody can verify."""
    with work() as w:
        w.db.execute(update(signing_keys.signing_keys).values(state="retired"))
    with work() as w, pytest.raises(SettingsError, match="no current signing key for RS256, ES256"):
        keys.Keys(installation).ring(w)


def test_a_client_registered_for_es256_gets_es256(register: Register, browser: WatchedClient) -> None:
    """OIDC Registration section 2, id_token_signed_response_alg."""
    rp = register(id_token_signed_response_alg=ES256)
    tokens: Tokens = rp.sign_in(browser)
    assert keys._header_of(tokens.id_token)["alg"] == ES256
    assert rp.log_out(browser, tokens).status_code == 303


def test_the_store_lists_keys_in_order(work: Work) -> None:
    rotate(work, 2)
    with work() as w:
        created = list(w.read.scalars(select(signing_keys.signing_keys.c.created_at)))
        assert [row.created_at for row in keys.list_keys(w)] == sorted(created)
