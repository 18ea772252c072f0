"""Tokens of an upstream are refreshed by one request at a time, and outages remove none (RFC 6749 section 6)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from provider.accounts import linked_identities
from provider.accounts.store import upstream_tokens as store
from provider.accounts.upstream_tokens.fetching import NotConnected, TokensUnavailable
from provider.federation import token_fetching
from provider.federation.token_fetching import TokenFetching
from provider.work import Installation, unit_of_work
from tests.federation.conftest import identities_of
from tests.federation.fake_provider import Traveller
from tests.federation.token_provider import TokenProvider
from tests.federation.upstream_tokens.people import Person, deliver, names_of_events, tokens_of
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.people import find_user


class TestFailures:
    def test_a_rejected_refresh_token_is_removed_and_the_user_connects_again(
        self, ada: Person, provider: TokenProvider, clock: Clock, work: Work
    ) -> None:
        """N-408."""
        clock.advance(minutes=12)
        provider.refresh_reply = (400, {"error": "invalid_grant"})
        refused = ada.fetch()
        assert (refused.status, refused.error) == (400, "invalid_grant")
        assert "connect" in refused.body["error_description"]
        assert tokens_of(work) == []
        assert names_of_events(work) == ["stored", "removed"]
        assert ada.fetch().error == "invalid_grant"
        ada.traveller.browser.open("/account/linked")
        page = ada.traveller.come_back(ada.traveller.press("Connect Example"))
        assert "connected" in page.text
        assert ada.fetch().access_token == "access-0"

    @pytest.mark.parametrize(
        "reply",
        ["no answer", (503, {}), (200, {}), (401, {"error": "invalid_client"}), (429, {"error": "slow_down"})],
    )
    def test_an_upstream_that_does_not_answer_is_an_outage(
        self, ada: Person, provider: TokenProvider, clock: Clock, work: Work, reply: Any
    ) -> None:
        """N-409: nothing is removed, and nobody is asked to connect again."""
        clock.advance(minutes=12)
        provider.refresh_reply = reply
        refused = ada.fetch()
        assert (refused.status, refused.error) == (503, "temporarily_unavailable")
        assert "retry-after" in refused.response.headers
        provider.refresh_reply = None
        assert ada.fetch().status == 503
        clock.advance(seconds=6)
        assert ada.fetch().access_token == "access-1"

    def test_an_expired_token_without_a_refresh_token_is_removed(
        self, traveller: Traveller, provider: TokenProvider, clock: Clock, work: Work, request: pytest.FixtureRequest
    ) -> None:
        """N-410."""
        provider.with_refresh_token = False
        ada = request.getfixturevalue("ada")
        assert ada.fetch().status == 200
        clock.advance(minutes=12)
        assert ada.fetch().error == "invalid_grant"
        assert tokens_of(work) == []

    def test_a_refresh_that_died_is_repeated_with_the_same_token(
        self, ada: Person, provider: TokenProvider, clock: Clock, work: Work
    ) -> None:
        """N-411: its claim expires, and the grant is not lost."""
        clock.advance(minutes=12)
        [row] = tokens_of(work)
        with work() as w:
            assert store.claim(
                w.db, row, "0193a1b2-0000-7000-8000-000000000000", now=w.now, until=w.now + token_fetching.LEASE
            )
        clock.advance(seconds=21)
        assert ada.fetch().access_token == "access-1"
        assert provider.reused == []


@pytest.mark.both_databases
class TestAtOnce:
    """Requests on several nodes, each with its own connection."""

    def fetch(self, installation: Installation, node: TokenFetching, user_id: str) -> str:
        with unit_of_work(installation) as work:
            return node(work, "example", user_id=user_id).access_token

    def test_one_refreshes_and_the_others_wait_for_it(
        self,
        ada: Person,
        installation: Installation,
        nodes: Callable[[], TokenFetching],
        provider: TokenProvider,
        clock: Clock,
        work: Work,
    ) -> None:
        """N-412: an upstream that takes a repeated refresh token for theft sees each once."""
        clock.advance(minutes=12)
        user_id = find_user(work).id
        with ThreadPoolExecutor(6) as pool:
            got = list(pool.map(lambda _: self.fetch(installation, nodes(), user_id), range(6)))
        assert set(got) == {"access-1"}
        assert (provider.refreshes, provider.reused) == (1, [])

    def test_tokens_that_ended_during_the_refresh_are_revoked_and_not_given(
        self,
        ada: Person,
        installation: Installation,
        nodes: Callable[[], TokenFetching],
        provider: TokenProvider,
        clock: Clock,
        work: Work,
    ) -> None:
        """N-413."""
        clock.advance(minutes=12)
        user_id = find_user(work).id
        [identity] = identities_of(work, user_id)

        def unlink() -> None:
            with unit_of_work(installation) as other:
                linked_identities.unlink(other, user_id=user_id, identity_id=identity.id, name_of=str, force=True)

        provider.before_refresh = unlink
        with pytest.raises(NotConnected):
            self.fetch(installation, nodes(), user_id)
        deliver(installation)
        assert sorted(form["token"] for form in provider.revoked) == ["refresh-0", "refresh-1"]

    def test_a_sign_in_during_the_refresh_wins(
        self,
        ada: Person,
        installation: Installation,
        nodes: Callable[[], TokenFetching],
        provider: TokenProvider,
        clock: Clock,
        work: Work,
    ) -> None:
        clock.advance(minutes=12)
        [row] = tokens_of(work)
        newer = replace(row, scope="newer", expires_at=clock.now + timedelta(hours=1))

        def store_others() -> None:
            with unit_of_work(installation) as other:
                store.replace(other.db, newer)

        provider.before_refresh = store_others
        assert self.fetch(installation, nodes(), find_user(work).id) == "access-1"
        assert [row.scope for row in tokens_of(work)] == ["newer"]

    def test_who_waits_too_long_hears_of_an_outage(
        self,
        ada: Person,
        installation: Installation,
        nodes: Callable[[], TokenFetching],
        clock: Clock,
        work: Work,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """N-414."""
        monkeypatch.setattr(token_fetching, "WAIT", 0.1)
        clock.advance(minutes=12)
        [row] = tokens_of(work)
        with work() as w:
            store.claim(w.db, row, row.identity_id, now=w.now, until=w.now + token_fetching.LEASE)
        with pytest.raises(TokensUnavailable):
            self.fetch(installation, nodes(), find_user(work).id)
