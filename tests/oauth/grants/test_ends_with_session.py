"""Without offline_access a grant ends with its session, however the session ends, and stays ended."""

from datetime import timedelta
from typing import Any

import pytest

from provider.config.settings import Settings
from provider.inspection.inspector import inspect
from provider.inspection.reader import Reader
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import active_grants
from provider.sessions import lifecycle, store
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Register
from tests.oauth.grants.test_authorization_code import assert_invalid_grant
from tests.oauth.test_meanwhile import BOOKS, FILMS, exchange, register_api
from tests.oauth.tokens.test_access_tokens import parts
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty, Tokens, plant_cookie

pytestmark = pytest.mark.both_databases

OFFLINE = "openid offline_access"


@pytest.fixture
def settings(database_url: str) -> Settings:
    days = timedelta(days=1)
    return settings_for(
        database_url,
        keep_signed_in_days=30,
        session_retention=7 * days,
        refresh_idle_lifetime=14 * days,
        legacy_response_types=True,
    )


def claims_of(access_token: str) -> dict[str, Any]:
    return parts(access_token)[1]


def sid_of(tokens: Tokens) -> str:
    return str(claims_of(tokens.access_token)["sid"])


def shorten(work: Work, sid: str, *, to: timedelta) -> None:
    """As PATCH /sessions/{sid} does."""
    with work() as w:
        assert store.shorten(w.db, sid, expires_at=w.now + to)


def sign_in_again(work: Work, sid: str, *, keep: bool) -> str | None:
    """In the same browser, with the box ticked or not. The new cookie's value, or None if the session was over."""
    with work() as w:
        session = store.find(w.read, sid)
        assert session is not None
        return lifecycle.sign_in_again(w, session, factor="pwd", keep=keep)


def tokens_of_kept(
    rp: RelyingParty, browser: WatchedClient, work: Work, installation: Installation
) -> tuple[Tokens, str]:
    """Tokens that an app got in a session that is kept for 30 days, and the session."""
    sid = sid_of(rp.sign_in(browser))
    cookie = sign_in_again(work, sid, keep=True)
    assert cookie is not None
    plant_cookie(browser, installation, cookie)
    tokens = rp.sign_in(browser)
    assert sid_of(tokens) == sid
    return tokens, sid


def assert_ended(rp: RelyingParty, tokens: Tokens) -> None:
    """For every endpoint that takes a token."""
    assert_invalid_grant(rp.refresh(tokens))
    assert rp.userinfo(tokens).status_code == 401
    assert not rp.is_active(tokens.access_token)
    assert not rp.is_active(tokens.refresh_token)


def listed(work: Work, user_id: str, rp: RelyingParty) -> set[int]:
    """How many active grants there are, in each of the lists."""
    with work() as w:
        held = active_grants.find_held(w.read, user_id, now=w.now)
        holders = active_grants.find_holders(w.read, rp.client_id, [user_id], now=w.now)
        users = active_grants.find_users(w.read, rp.client_id, after=None, limit=5, now=w.now)
        found = active_grants.find_active(w.read, user_id, now=w.now)
        uses = active_grants.find_uses(w.read, user_id=user_id, client_id=rp.client_id, now=w.now, limit=5)
    assert {one.session_id for one in uses} == {one.session_id for one in found}
    assert users == list(holders)
    assert {rp.client_id for _ in users} == set(held)
    return {len(found), *(one.families for one in (*held.values(), *holders.values()))}


def test_a_grant_ends_with_its_session_that_was_shortened(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock
) -> None:
    """N-589, OIDC Core section 11: before its tokens were fetched, and after."""
    offline, tokens, code = rp.sign_in(browser, scope=OFFLINE), rp.sign_in(browser), rp.ask(browser)
    ends_at = clock.now + timedelta(minutes=5)
    shorten(work, sid_of(tokens), to=timedelta(minutes=5))
    with work() as w:
        found = active_grants.find_active(w.read, ada, now=w.now)
        later = active_grants.find_held(w.read, ada, now=w.now)[rp.client_id].expires_at
    assert {one.offline: one.expires_at for one in found} == {True: later, False: ends_at}
    clock.advance(minutes=4, seconds=59)
    tokens = rp.refresh(tokens)
    assert tokens.status == 200
    assert listed(work, ada, rp) == {3}
    clock.advance(seconds=1)
    assert_ended(rp, tokens)
    assert_invalid_grant(rp.redeem(code))
    assert listed(work, ada, rp) == {1}
    assert rp.refresh(offline).status == 200


def test_a_grant_ends_with_its_session_that_is_no_longer_kept(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock, installation: Installation
) -> None:
    """N-590: the user signs in again, and does not tick the box this time. What is over does not begin again."""
    tokens, sid = tokens_of_kept(rp, browser, work, installation)
    clock.advance(minutes=10)
    assert sign_in_again(work, sid, keep=False)
    clock.advance(hours=23, minutes=59, seconds=59)
    tokens = rp.refresh(tokens)
    assert tokens.status == 200
    clock.advance(seconds=1)
    assert_ended(rp, tokens)
    assert sign_in_again(work, sid, keep=True) is None
    assert_ended(rp, tokens)
    assert listed(work, ada, rp) == {0}


def test_a_grant_stays_ended_when_its_session_is_deleted(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock, installation: Installation
) -> None:
    """N-591: the session was kept for a shorter time than the grant."""
    tokens, sid = tokens_of_kept(rp, browser, work, installation)
    sign_in_again(work, sid, keep=False)
    clock.advance(hours=12)
    tokens = rp.refresh(tokens)
    with work() as w:
        assert lifecycle.end_by_operator(w, session_id=sid)
    assert_ended(rp, tokens)
    clock.advance(days=8)
    purge(installation)
    with work() as w:
        assert store.find(w.read, sid) is None
    assert_ended(rp, tokens)
    assert listed(work, ada, rp) == {0}


def test_a_session_that_is_extended_leaves_the_grant_its_end(
    rp: RelyingParty, browser: WatchedClient, work: Work, clock: Clock
) -> None:
    tokens = rp.sign_in(browser)
    clock.advance(hours=12)
    assert sign_in_again(work, sid_of(tokens), keep=True)
    clock.advance(hours=11)
    tokens = rp.refresh(tokens)
    assert tokens.status == 200
    clock.advance(hours=1)
    assert_ended(rp, tokens)


def test_no_token_is_said_to_last_longer_than_its_grant(
    rp: RelyingParty, browser: WatchedClient, work: Work, clock: Clock
) -> None:
    """RFC 6749 section 5.1, RFC 7662 section 2.2: the grant ends by itself, or with its session."""
    tokens, shortened = rp.sign_in(browser), rp.sign_in(browser)
    assert tokens.body["expires_in"] == 600
    clock.advance(hours=23, minutes=55)
    ends_at = int(clock.now.timestamp()) + 260  # the browser signed in 40 seconds before
    tokens = rp.refresh(tokens)
    assert tokens.body["expires_in"] == 260
    assert claims_of(tokens.access_token)["exp"] == ends_at
    assert rp.introspect(tokens.refresh_token)["exp"] == ends_at
    shorten(work, sid_of(shortened), to=timedelta(seconds=90, microseconds=500_000))
    shortened = rp.refresh(shortened)
    assert shortened.body["expires_in"] == 90
    assert rp.introspect(shortened.access_token)["exp"] == int(clock.now.timestamp()) + 90
    assert rp.introspect(shortened.refresh_token)["exp"] == int(clock.now.timestamp()) + 90
    clock.advance(seconds=90)
    assert rp.refresh(shortened).body["expires_in"] == 1


def test_nor_one_of_an_exchange_or_of_the_front_channel(
    register: Register, browser: WatchedClient, work: Work, clock: Clock
) -> None:
    """RFC 6749 sections 4.2.2 and 5.1, RFC 8693 section 2.2.1."""
    rp = register(grant_types=("authorization_code", "implicit"), response_types=("code", "code token"))
    api = register_api(register, BOOKS, FILMS)
    register_api(register, FILMS)
    tokens = rp.sign_in(browser, resource=BOOKS)
    shorten(work, sid_of(tokens), to=timedelta(seconds=90))
    answer = rp.ask(browser, response_type="code token")
    assert answer.parameters["expires_in"] == "90"
    assert claims_of(answer.parameters["access_token"])["exp"] == int(clock.now.timestamp()) + 90
    exchanged = exchange(api, tokens.access_token, FILMS)
    assert exchanged.body["expires_in"] == 90
    assert claims_of(exchanged.access_token)["exp"] == int(clock.now.timestamp()) + 90


def test_the_inspector_says_that_the_session_is_over(
    rp: RelyingParty, browser: WatchedClient, work: Work, clock: Clock, server: AuthorizationServer
) -> None:
    tokens = rp.sign_in(browser)
    shorten(work, sid_of(tokens), to=timedelta(minutes=5))
    clock.advance(minutes=5)
    with work() as w:
        found = inspect(Reader(w, server, sees_users=True), tokens.access_token)
        facts = {fact.name: fact for part in found.parts for fact in part.facts}
    assert found.summary == "It is not active: the session is over, and offline_access was not granted."
    assert facts["session"].why.startswith("It expired at ")
    assert facts["ends at the latest"].value in facts["session"].why
