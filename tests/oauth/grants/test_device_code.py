"""A device fetches what its person allowed: once, in time, and only while it stands."""

import pytest
from sqlalchemy import Connection

from provider.accounts.users import delete_user
from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.crypto.digests import digest
from provider.oauth.grants.store import device_codes
from provider.oauth.grants.store.device_codes import DeviceCode
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.devices import DEVICE_CODE, FOR_DEVICES, allow, press, start
from tests.oauth.grants.test_authorization_code import ENDINGS, assert_invalid_grant
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import TOKEN, RelyingParty, Tokens

pytestmark = pytest.mark.also_on_postgresql


@pytest.fixture
def tv(register: Register) -> RelyingParty:
    """An app on a television set: no secret, no redirect URI."""
    return register(public=True, **FOR_DEVICES)


@pytest.mark.parametrize("public", [True, False])
def test_a_device_gets_tokens_for_its_user(
    register: Register, browser: WatchedClient, ada: str, *, public: bool, work: Work
) -> None:
    """RFC 8628 sections 3.4, 3.5; OIDC Core section 3.1.3.3."""
    tv = register(public=public, **FOR_DEVICES)
    device = start(tv, scope="openid email offline_access")
    waiting = device.poll()
    assert (waiting.status, waiting.error) == (400, "authorization_pending")
    assert "error_id" not in waiting.body, "nothing was refused, so there is nothing to explain"
    allow(browser, device)
    tokens = device.poll()
    assert tokens.status == 200, tokens.body
    assert tokens.body["scope"] == "openid email offline_access"
    claims = tv.verify(tokens)
    assert (claims["sub"], claims["acr"], "nonce" in claims) == (ada, "aal1", False)
    assert tv.userinfo(tokens).json()["email"] == "ada@example.test"
    assert tv.refresh(tokens).status == 200
    with work() as w:
        names = [event.name for event in find_events(w.read, user_id=ada)]
    assert Event.DEVICE_ALLOWED in names


def test_a_device_registered_without_refresh_gets_no_refresh_token(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 5.1; OIDC Core section 11: nothing is said to last."""
    device = start(register(**FOR_DEVICES | {"grant_types": (DEVICE_CODE,)}), scope="openid offline_access")
    allow(browser, device)
    tokens = device.poll()
    assert (tokens.status, tokens.body["scope"]) == (200, "openid")
    assert "refresh_token" not in tokens.body


@pytest.mark.both_databases
def test_a_device_that_asks_too_often_is_slowed_down(tv: RelyingParty, clock: Clock) -> None:
    """RFC 8628 section 3.5: five seconds more, for this and all later questions."""
    device = start(tv)

    def after(seconds: int) -> str | None:
        clock.advance(seconds=seconds)
        return device.poll().error

    assert after(0) == "authorization_pending"
    assert after(5) == "authorization_pending"
    assert after(3) == "slow_down"
    assert after(10) == "authorization_pending"
    assert after(5) == "slow_down"
    assert after(10) == "slow_down"
    assert after(20) == "authorization_pending"


def test_a_declined_device_request_is_access_denied(tv: RelyingParty, browser: WatchedClient, explain: Explain) -> None:
    """RFC 8628 section 3.5: access_denied, and it stays."""
    device = start(tv)
    assert press(browser, device.user_code, "deny").headers["location"] == "/device/answered?answer=denied"
    for _ in range(2):
        refused = device.poll()
        assert (refused.status, refused.error) == (400, "access_denied")
    assert "RFC 8628 section 3.5" in str(explain(refused.error_id))


def test_device_codes_expire(
    tv: RelyingParty, browser: WatchedClient, clock: Clock, unchanged: Unchanged, work: Work
) -> None:
    """RFC 8628 section 3.5: expired_token, also when it was allowed meanwhile."""
    allowed, ignored = start(tv), start(tv)
    allow(browser, allowed)
    clock.advance(minutes=11)
    with unchanged():
        assert allowed.poll().error == "expired_token"
        assert ignored.poll().error == "expired_token"
    assert press(browser, ignored.user_code, "allow").status_code == 400
    with work() as w:  # nor by a request that read it just before
        assert not device_codes.CODES.answer(w.db, digest(ignored.device_code), now=w.now)


@pytest.mark.both_databases
def test_another_client_cannot_use_the_device_code_nor_use_it_up(
    tv: RelyingParty, register: Register, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """RFC 8628 section 3.4, A-16."""
    device, other = start(tv), register(public=True, **FOR_DEVICES)
    with unchanged():
        assert_invalid_grant(device.poll(by=other))
    allow(browser, device)
    with unchanged():
        assert_invalid_grant(device.poll(by=other))
        assert_invalid_grant(Tokens(tv.post(TOKEN, grant_type=DEVICE_CODE, device_code=device.user_code)))
    assert tv.post(TOKEN, grant_type=DEVICE_CODE).json()["error"] == "invalid_request"
    assert device.poll().status == 200


@pytest.mark.both_databases
def test_a_second_use_of_a_device_code_revokes_the_tokens_of_the_first(
    tv: RelyingParty, register: Register, browser: WatchedClient, ada: str, work: Work
) -> None:
    """RFC 9700 section 4.5: somebody else has the code."""
    device = start(tv, scope="openid offline_access")
    allow(browser, device)
    tokens = device.poll()
    for _ in range(2):
        assert_invalid_grant(device.poll())
    assert_invalid_grant(tv.refresh(tokens))
    assert tv.userinfo(tokens).status_code == 401
    with work() as w:
        replays = [event for event in find_events(w.read, user_id=ada) if event.name == Event.CODE_REPLAYED]
    assert len(replays) == 1


@pytest.mark.both_databases
def test_the_purge_keeps_redeemed_codes_for_a_day_so_that_a_replay_is_recognized(
    tv: RelyingParty, browser: WatchedClient, clock: Clock, installation: Installation
) -> None:
    """RFC 9700 section 4.5, as for authorization codes."""
    device = start(tv, scope="openid offline_access")
    allow(browser, device)
    first = device.poll()
    clock.advance(hours=23)
    purge(installation)
    assert_invalid_grant(device.poll())
    assert_invalid_grant(tv.refresh(first))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_device_code_is_invalid_after_its_grant_ended(
    tv: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock, ending: str
) -> None:
    """A-84, A-105, A-106; R-2: one transaction ends it all, and nothing is revived."""
    device = start(tv)
    allow(browser, device)
    clock.advance(seconds=1)
    ENDINGS[ending](work, ada, tv)
    clock.advance(seconds=1)
    assert_invalid_grant(device.poll())


def test_with_offline_access_a_device_outlives_the_browser_it_was_allowed_in(
    tv: RelyingParty, browser: WatchedClient, ada: str, work: Work
) -> None:
    """OIDC Core section 11, decision 42."""
    device = start(tv, scope="openid offline_access")
    allow(browser, device)
    ENDINGS["signed out"](work, ada, tv)
    tokens = device.poll()
    assert tv.refresh(tokens).status == 200
    ENDINGS["consent withdrawn"](work, ada, tv)
    assert tv.userinfo(tokens).status_code == 401


@pytest.mark.both_databases
@pytest.mark.parametrize("fetched", [False, True])
def test_an_account_deleted_between_two_looks_is_no_crash(
    tv: RelyingParty, browser: WatchedClient, ada: str, work: Work, monkeypatch: pytest.MonkeyPatch, *, fetched: bool
) -> None:
    """A-105: the code is read, and then the grant it stands for is no longer there."""
    device = start(tv)
    allow(browser, device)
    if fetched:
        assert device.poll().status == 200
    find = device_codes.find

    def find_and_lose(db: Connection, digest: bytes) -> DeviceCode | None:
        code = find(db, digest)
        with work() as w:
            delete_user(w, user_id=ada)
        return code

    monkeypatch.setattr(device_codes, "find", find_and_lose)
    assert_invalid_grant(device.poll())
