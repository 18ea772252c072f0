"""Rotation: each use gives a successor, a repetition in the grace the very same one, a later one kills the family."""

from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jws

from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.oauth.clients import clients
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.grants.test_authorization_code import ENDINGS, assert_invalid_grant
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory, asserting, assertion_claims
from tests.support.clock import Clock
from tests.support.dpop import Prover
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import AUTHORIZE, INTROSPECT, Answer, RelyingParty, Tokens

pytestmark = pytest.mark.both_databases

OFFLINE = "openid email offline_access"


@pytest.fixture
def first(rp: RelyingParty, browser: WatchedClient) -> Tokens:
    """The first tokens of a family that outlives the session."""
    return rp.sign_in(browser, scope=OFFLINE)


def test_a_refresh_rotates(rp: RelyingParty, first: Tokens) -> None:
    """RFC 6749 section 6, RFC 9700 section 4.14.2. Replaces: token lifetimes, rotation, logout."""
    second = rp.refresh(first)
    assert set(second.body) == set(first.body)
    assert second.refresh_token != first.refresh_token
    assert second.access_token != first.access_token
    assert rp.userinfo(second).status_code == 200


@pytest.mark.also_on_postgresql
def test_a_refreshed_id_token_tells_of_the_same_sign_in(rp: RelyingParty, first: Tokens, clock: Clock) -> None:
    """OIDC Core section 12.2: same iss, sub, aud, auth_time; newer iat; no other nonce."""
    before = rp.verify(first)
    clock.advance(minutes=5)
    after = rp.verify(rp.refresh(first), refreshed=True)
    same = ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["iat"] == before["iat"] + 300
    assert after.get("nonce") in (None, before["nonce"])


def test_access_tokens_from_before_a_rotation_stay_valid(rp: RelyingParty, first: Tokens) -> None:
    """RFC 6749 section 6: rotation retires the refresh token only."""
    rp.refresh(first)
    assert rp.is_active(first.access_token)


# Repetition and reuse


def test_a_refresh_token_reused_within_the_grace_period_gets_the_same_successor(
    rp: RelyingParty, first: Tokens, clock: Clock
) -> None:
    """Decision 3: a lost answer logs nobody out."""
    second = rp.refresh(first)
    clock.advance(seconds=10)
    again = rp.refresh(first)
    assert again.refresh_token == second.refresh_token
    assert again.access_token != second.access_token


def test_a_refresh_token_reused_after_the_grace_period_revokes_the_family(
    rp: RelyingParty, first: Tokens, clock: Clock
) -> None:
    """RFC 9700 section 4.14.2; A-24. Replaces: token lifetimes, rotation, logout."""
    second = rp.refresh(first)
    clock.advance(seconds=11)
    assert_invalid_grant(rp.refresh(first))
    assert_invalid_grant(rp.refresh(second))
    assert not rp.is_active(first.access_token)
    assert not rp.is_active(second.access_token)


def test_a_refresh_token_reused_after_its_successor_revokes_the_family(rp: RelyingParty, first: Tokens) -> None:
    """RFC 9700 section 4.14.2; A-24: three generations in one second."""
    second = rp.refresh(first)
    third = rp.refresh(second)
    assert_invalid_grant(rp.refresh(first))
    assert_invalid_grant(rp.refresh(third))


def test_refresh_token_reuse_is_recorded_in_the_audit_log(
    rp: RelyingParty, first: Tokens, ada: str, work: Work, clock: Clock
) -> None:
    """A-24."""
    rp.refresh(first)
    clock.advance(minutes=1)
    for _ in range(3):
        rp.refresh(first)
    with work() as w:
        reuses = [event for event in find_events(w.read, user_id=ada) if event.name == Event.REFRESH_REUSED]
    assert len(reuses) == 1
    assert first.refresh_token not in str(reuses)


def test_refresh_token_reuse_does_not_revoke_other_families(
    rp: RelyingParty, first: Tokens, browser: WatchedClient, clock: Clock
) -> None:
    """A-24."""
    other = rp.sign_in(browser, scope=OFFLINE)
    rp.refresh(first)
    clock.advance(minutes=1)
    rp.refresh(first)
    assert rp.refresh(other).status == 200


class TestStrict:
    """SIGNET_REFRESH_GRACE=0."""

    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, refresh_grace=0)

    def test_without_a_grace_period_any_reuse_revokes_the_family(self, rp: RelyingParty, first: Tokens) -> None:
        """RFC 9700 section 4.14.2; A-24."""
        second = rp.refresh(first)
        assert_invalid_grant(rp.refresh(first))
        assert_invalid_grant(rp.refresh(second))


def test_a_successor_made_under_an_earlier_secret_key_is_recognized(
    rp: RelyingParty, first: Tokens, settings: Settings
) -> None:
    """Decision 3 survives the rotation of the secret key."""
    vault = rp.http.app.state.installation.vault  # type: ignore[attr-defined]
    second = rp.refresh(first)
    keys = vault._keys
    vault._keys = {"newer": b"another secret key of 32 characters", **keys}
    vault._current = "newer"
    assert rp.refresh(first).refresh_token == second.refresh_token


# Whose token, and how much


@in_one_world("public", [True, False])
def test_another_client_cannot_refresh_and_does_not_revoke_the_token(
    rp: RelyingParty, first: Tokens, register: Register, unchanged: Unchanged, *, public: bool
) -> None:
    """RFC 6749 section 6: invalid_grant, not 401; A-25."""
    other = register(public=public)
    with unchanged():
        assert_invalid_grant(other.refresh(first))
    assert rp.refresh(first).status == 200


@pytest.mark.also_on_postgresql
def test_a_confidential_client_must_authenticate(rp: RelyingParty, first: Tokens) -> None:
    """RFC 6749 section 6; A-25."""
    form = {"grant_type": "refresh_token", "refresh_token": first.refresh_token, "client_id": rp.client_id}
    response = rp.http.post("/oauth2/token", data=form)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert rp.refresh(first).status == 200


@pytest.mark.also_on_postgresql
def test_a_public_client_refreshes_without_a_secret(register: Register, browser: WatchedClient) -> None:
    """RFC 9700 section 2.2.2: with rotation."""
    rp = register(public=True)
    first = rp.sign_in(browser, scope=OFFLINE)
    assert rp.refresh(first).refresh_token != first.refresh_token


@pytest.mark.also_on_postgresql
@in_one_world("scope", ["openid email offline_access phone", "phone", "unheard-of", "OPENID", 'a"b'])
def test_more_scope_than_granted_is_refused(rp: RelyingParty, first: Tokens, unchanged: Unchanged, scope: str) -> None:
    """RFC 6749 section 6; A-25: and the token is not burnt."""
    with unchanged():
        refused = rp.refresh(first, scope=scope)
    assert (refused.status, refused.error) == (400, "invalid_scope")
    assert rp.refresh(first).status == 200


def test_less_scope_is_given_and_the_family_keeps_the_rest(rp: RelyingParty, first: Tokens) -> None:
    """RFC 6749 section 6: the refresh token's scope stays what it was."""
    narrow = rp.refresh(first, scope="openid")
    assert narrow.body["scope"] == "openid"
    assert set(rp.userinfo(narrow).json()) == {"sub"}
    assert rp.refresh(narrow).body["scope"] == OFFLINE


@pytest.mark.also_on_postgresql
def test_the_same_scope_may_be_sent(rp: RelyingParty, first: Tokens) -> None:
    """oidcc-refresh-token."""
    assert rp.refresh(first, scope=OFFLINE).status == 200


@pytest.mark.also_on_postgresql
def test_an_unknown_token_is_refused(rp: RelyingParty, first: Tokens, unchanged: Unchanged) -> None:
    """RFC 6749 section 5.2; A-56: nor is an access or ID token one."""
    token = first.refresh_token
    for wrong in ("x", token + "x", token.swapcase(), "\x00", "ä", "x" * 5000, first.access_token, first.id_token):
        with unchanged():
            assert_invalid_grant(rp.refresh(wrong))


@pytest.mark.also_on_postgresql
def test_a_missing_token_is_an_invalid_request(rp: RelyingParty, first: Tokens) -> None:
    """RFC 6749 section 6."""
    assert rp.refresh(first, refresh_token=None).error == "invalid_request"


# How long


def test_an_unused_family_ends(rp: RelyingParty, first: Tokens, clock: Clock) -> None:
    """RFC 9700 section 4.14.2: refresh tokens expire when unused."""
    clock.advance(days=13)
    second = rp.refresh(first)
    clock.advance(days=14, seconds=1)
    assert_invalid_grant(rp.refresh(second))


def test_a_family_reaches_its_absolute_age(rp: RelyingParty, first: Tokens, clock: Clock) -> None:
    """A-26."""
    tokens = first
    for _ in range(9):
        clock.advance(days=9, hours=23)
        tokens = rp.refresh(tokens)
        assert tokens.status == 200
    clock.advance(days=1)
    assert_invalid_grant(rp.refresh(tokens))


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name != "signed out"])
def test_a_family_ends_with_its_user_session_and_client(
    rp: RelyingParty, first: Tokens, ada: str, work: Work, clock: Clock, ending: str
) -> None:
    """A-26, A-105: and nothing revives it."""
    clock.advance(seconds=1)
    ENDINGS[ending](work, ada, rp)
    clock.advance(seconds=1)
    assert_invalid_grant(rp.refresh(first))
    assert not rp.is_active(first.access_token)
    assert not rp.is_active(first.refresh_token)
    assert rp.userinfo(first).status_code == 401


def test_without_offline_access_the_family_ends_with_the_session(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work
) -> None:
    """OIDC Core section 11; A-26, A-53."""
    first = rp.sign_in(browser, scope="openid")
    ENDINGS["signed out"](work, ada, rp)
    assert_invalid_grant(rp.refresh(first))
    assert rp.userinfo(first).status_code == 401


def test_without_offline_access_the_family_lives_no_longer_than_a_session(
    rp: RelyingParty, browser: WatchedClient, clock: Clock
) -> None:
    """OIDC Core section 11."""
    tokens = rp.sign_in(browser, scope="openid")
    clock.advance(hours=23)
    tokens = rp.refresh(tokens)
    assert tokens.status == 200
    clock.advance(hours=1)
    assert_invalid_grant(rp.refresh(tokens))


def test_with_offline_access_the_family_outlives_the_session(
    rp: RelyingParty, first: Tokens, ada: str, work: Work
) -> None:
    """OIDC Core section 11."""
    ENDINGS["signed out"](work, ada, rp)
    assert rp.refresh(first).status == 200


def test_a_disabled_client_cannot_refresh_and_an_enabled_one_can_again(
    rp: RelyingParty, first: Tokens, work: Work
) -> None:
    """A-26."""
    with work() as w:
        clients.disable(w, rp.client_id)
    assert rp.refresh(first).error == "invalid_client"
    with work() as w:
        clients.enable(w, rp.client_id)
    assert rp.refresh(first).status == 200


def test_a_grant_of_somebody_else_is_not_touched_by_a_suspension(rp: RelyingParty, first: Tokens, work: Work) -> None:
    """A-105."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    ENDINGS["suspended"](work, bob, rp)
    assert rp.refresh(first).status == 200


@pytest.mark.also_on_postgresql
def test_the_explanation_says_what_happened_and_no_token(
    rp: RelyingParty, first: Tokens, clock: Clock, explain: Explain
) -> None:
    """The refusal is explained: the check, what was expected, what came and what to do."""
    second = rp.refresh(first)
    clock.advance(seconds=60)
    row = explain(rp.refresh(first).error_id)
    assert row.checks[-1]["name"] == "The refresh token is used for the first time"
    assert row.checks[-1]["got"].startswith("first use 60 seconds ago")
    for secret in (first.refresh_token, second.refresh_token, rp.secret or ""):
        assert secret not in str(row)


# FAPI 2.0


class Punctual(RelyingParty):
    """It authenticates with a key, and its clock is the server's, also after days."""

    clock: Clock

    def authentication(self) -> tuple[dict[str, str], dict[str, str]]:
        now = int(self.clock.now.timestamp())
        return {}, asserting(self.signatory.sign(assertion_claims(self.client_id, ISSUER, iat=now, exp=now + 60)))


def punctual(register: Register, clock: Clock, **changes: str) -> RelyingParty:
    by_key = {"token_endpoint_auth_method": "private_key_jwt", "id_token_signed_response_alg": "PS256"}
    registered = register(jwks=Signatory().jwks, **by_key, **changes)
    rp = Punctual(registered.http, registered.client, None)
    rp.clock = clock
    if rp.client.metadata.is_fapi2:
        rp.prover = Prover(now=lambda: clock().timestamp())
    return rp


@pytest.fixture
def fapi2(register: Register, clock: Clock) -> RelyingParty:
    return punctual(register, clock, profile="fapi2")


def pushed(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> Tokens:
    parameters, verifier = rp.request(**changes)
    uri = rp.post("/oauth2/par", **parameters).json()["request_uri"]
    response = browser.get(AUTHORIZE, params={"client_id": rp.client_id, "request_uri": uri}, follow_redirects=False)
    return rp.redeem(Answer(response, parameters, verifier))


def test_refresh_tokens_of_fapi_2_clients_do_not_rotate(
    fapi2: RelyingParty, browser: WatchedClient, clock: Clock, work: Work
) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1: also later, and many times; nothing is reuse."""
    tokens = pushed(fapi2, browser, scope=OFFLINE)
    for _ in range(3):
        again = fapi2.refresh(tokens.refresh_token)
        assert (again.status, again.refresh_token) == (200, tokens.refresh_token)
        assert fapi2.userinfo(again).status_code == 200
        clock.advance(hours=1)
    assert fapi2.is_active(tokens.refresh_token)
    with work() as w:
        assert Event.REFRESH_REUSED not in {event.name for event in find_events(w.read)}


@pytest.mark.also_on_postgresql
def test_what_is_signed_for_a_fapi_2_client_is_not_signed_with_rs256(
    fapi2: RelyingParty, browser: WatchedClient
) -> None:
    """FAPI 2.0 Security Profile section 5.4.1."""
    tokens = pushed(fapi2, browser)
    accept = {"accept": "application/token-introspection+jwt"}
    _, form = fapi2.authentication()
    introspected = fapi2.http.post(INTROSPECT, data={**form, "token": tokens.access_token}, headers=accept).text
    for token in (tokens.access_token, tokens.id_token, introspected):
        assert jws.extract_compact(token.encode()).headers()["alg"] == "PS256"


def test_a_token_that_does_not_rotate_lasts_while_it_is_used_up_to_its_absolute_age(
    fapi2: RelyingParty, browser: WatchedClient, clock: Clock, settings: Settings
) -> None:
    """RFC 9700 section 4.14.2."""
    tokens = pushed(fapi2, browser, scope=OFFLINE)
    almost = settings.refresh_idle_lifetime - timedelta(minutes=1)
    begun = clock.now
    while clock.now + almost < begun + settings.refresh_absolute_lifetime:
        clock.advance(seconds=almost.total_seconds())
        assert fapi2.refresh(tokens.refresh_token).status == 200, "a use makes it last"
    clock.advance(seconds=settings.refresh_absolute_lifetime.total_seconds())
    assert_invalid_grant(fapi2.refresh(tokens.refresh_token))


def test_a_token_that_does_not_rotate_can_be_revoked_and_expires_unused(
    fapi2: RelyingParty, browser: WatchedClient, clock: Clock, settings: Settings
) -> None:
    """RFC 7009 section 2.1, RFC 9700 section 4.14.2."""
    revoked, unused = pushed(fapi2, browser, scope=OFFLINE), pushed(fapi2, browser, scope=OFFLINE)
    assert fapi2.refresh(revoked.refresh_token).status == 200
    fapi2.revoke(revoked.refresh_token)
    assert_invalid_grant(fapi2.refresh(revoked.refresh_token))
    clock.advance(seconds=settings.refresh_idle_lifetime.total_seconds())
    assert_invalid_grant(fapi2.refresh(unused.refresh_token))


def test_a_token_that_was_rotated_before_the_client_became_a_fapi_2_one_stays_retired(
    register: Register, browser: WatchedClient, clock: Clock, work: Work
) -> None:
    """RFC 9700 section 4.14.2."""
    rp = punctual(register, clock)
    first = pushed(rp, browser, scope=OFFLINE)
    second = rp.refresh(first)
    clock.advance(minutes=1)
    with work() as w:
        clients.update_client(w, rp.client_id, replace(rp.client.metadata, profile="fapi2"))
    rp.prover = Prover(now=lambda: clock().timestamp())
    clock.advance(minutes=1)
    assert rp.refresh(second.refresh_token).refresh_token == second.refresh_token
    assert_invalid_grant(rp.refresh(first.refresh_token))
    assert_invalid_grant(rp.refresh(second.refresh_token))
