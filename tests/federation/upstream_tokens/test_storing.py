"""Tokens of an upstream are stored with a linked identity, and clients get them (RFC 8693)."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from provider.federation.configuration import parse_upstream
from provider.federation.exchange import authorization_url
from provider.federation.issued_tokens import read_tokens
from provider.federation.states import new_state
from provider.federation.upstreams import Metadata, Upstream
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.grants.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from tests.federation.conftest import EXAMPLE, events_of, sign_out
from tests.federation.fake_provider import Traveller
from tests.federation.token_provider import TokenProvider
from tests.federation.upstream_tokens.people import BOOKS, Person, names_of_events, tokens_of
from tests.support.clock import Clock
from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.people import find_user

METADATA = Metadata(
    authorization_endpoint="https://accounts.google.com/o/oauth2/v2/auth",
    token_endpoint="https://oauth2.googleapis.com/token",  # a URL
    jwks_uri="https://www.googleapis.com/oauth2/v3/certs",
    algorithms=("RS256",),
    secret_in_header=False,
    names_itself=False,
    takes_claims=False,
)


class TestStoring:
    def test_the_scopes_of_the_tokens_are_asked_for_in_addition(self, traveller: Traveller) -> None:
        asked = parse_qs(urlsplit(traveller.leave()).query)
        assert asked["scope"] == ["openid email profile calendar offline_access"]
        assert "prompt" not in asked

    def test_a_sign_in_stores_the_tokens_encrypted(self, ada: Person, work: Work) -> None:
        """N-402: neither the row nor an event has a token in it."""
        [row] = tokens_of(work)
        assert row.sealed is not None
        assert "access-0" not in repr(row) + repr(events_of(work, find_user(work).id))
        assert row.scope == "openid calendar"
        assert names_of_events(work) == ["stored"]

    def test_another_sign_in_replaces_them_and_keeps_the_refresh_token_if_there_is_none(
        self, ada: Person, provider: TokenProvider, clock: Clock, work: Work
    ) -> None:
        """Some upstreams issue a refresh token with the first consent only."""
        provider.with_refresh_token = False
        sign_out(ada.traveller.browser)
        ada.traveller.sign_in()
        clock.advance(minutes=12)
        sign_out(ada.traveller.browser)
        provider.issued["expires_in"] = 10
        ada.traveller.sign_in()
        assert ada.fetch().access_token == "access-1"
        assert names_of_events(work) == ["stored", "fetched"]

    def test_google_is_asked_for_a_refresh_token_only_if_tokens_are_stored(self, work: Work) -> None:
        for stores, wanted in ((True, ["offline"]), (False, None)):
            given = {"preset": "google", "client_id": "c", "client_secret": "s", "store_tokens": stores}
            upstream = Upstream(parse_upstream("google", given))
            with work() as w:
                upstream._metadata, upstream._metadata_at = METADATA, w.now
                state = new_state(w, upstream="google", browser="b", destination={})
                asked = parse_qs(urlsplit(authorization_url(w, upstream, state, sealed="s")).query)
            assert asked.get("access_type") == wanted

    @pytest.mark.parametrize(
        ("response", "expected"),
        [
            ({"access_token": "a", "expires_in": "60", "scope": "repo,user"}, ("repo user", 60)),
            ({"access_token": "a", "expires_in": 1e300}, ("asked", 315_360_000)),
            ({"access_token": "a", "expires_in": True, "scope": 7}, ("asked", None)),
            ({"access_token": "a", "expires_in": -1, "scope": "x" * 3000}, ("", None)),
            ({"access_token": "a\nb"}, None),
            ({"access_token": ["a"]}, None),
        ],
    )
    def test_odd_token_responses_are_read_with_care(self, response: Any, expected: Any, clock: Clock) -> None:
        """N-422."""
        read = read_tokens(response, asked=("asked",), now=clock.now)
        seconds = None if read is None or read.expires_at is None else (read.expires_at - clock.now).total_seconds()
        assert (None if read is None else (read.scope, seconds)) == expected

    class TestOff:
        @pytest.fixture
        def configured(self) -> dict[str, dict[str, Any]]:
            return {"example": EXAMPLE | {"token_scopes": ["calendar"]}}

        def test_without_the_setting_nothing_is_stored_or_asked_for(self, ada: Person, work: Work) -> None:
            """N-403."""
            assert tokens_of(work) == []
            assert "calendar" not in ada.traveller.leave("/account/linked", button="Link Example")
            refused = ada.fetch()
            assert (refused.status, refused.error) == (400, "invalid_grant")


class TestFetching:
    def test_a_client_gets_the_stored_token(self, ada: Person, work: Work) -> None:
        """RFC 8693 section 2.2.1."""
        tokens = ada.fetch()
        assert tokens.status == 200, tokens.body
        assert tokens.response.headers["cache-control"] == "no-store"
        assert tokens.body == {
            "access_token": "access-0",
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": "openid calendar",
        }

    def test_a_token_that_expires_within_a_minute_is_refreshed(
        self, ada: Person, provider: TokenProvider, clock: Clock
    ) -> None:
        clock.advance(minutes=9, seconds=1)
        fresh = ada.fetch()
        assert (fresh.access_token, fresh.body["expires_in"]) == ("access-1", 600)
        assert ada.fetch().access_token == "access-1"
        clock.advance(minutes=12)
        assert ada.fetch().access_token == "access-2"
        assert provider.reused == []

    def test_what_the_upstream_says_no_end_of_is_valid(
        self, ada: Person, provider: TokenProvider, clock: Clock
    ) -> None:
        provider.issued = {}
        sign_out(ada.traveller.browser)
        ada.traveller.sign_in()
        clock.advance(minutes=45)
        tokens = ada.fetch()
        assert "expires_in" not in tokens.body
        assert tokens.body["scope"] == "openid email profile calendar offline_access"

    def test_an_audience_that_is_not_allowed_is_refused(self, ada: Person, work: Work) -> None:
        """N-404: another upstream, together with a resource, and a client without the permission."""
        assert ada.fetch(audience="other").error == "invalid_target"
        assert ada.fetch(resource=BOOKS).error == "invalid_target"
        with work() as w:
            client = clients.find_client(w, ada.books.client_id)
            assert client is not None
            clients.update_client(
                w, client.client_id, replace(client.metadata, upstream_tokens=(), exchange_targets=(BOOKS,))
            )
        assert ada.fetch().error == "invalid_target"

    def test_a_subject_token_of_another_api_or_an_ended_one_gets_nothing(self, ada: Person) -> None:
        """N-405."""
        other = ada.app.sign_in(ada.traveller.browser.client, scope="openid read").access_token
        assert ada.fetch(other).error == "invalid_request"
        assert ada.fetch("access-0").error == "invalid_request"

    def test_only_granted_scopes_can_be_asked_for(self, ada: Person) -> None:
        """N-406."""
        assert ada.fetch(scope="calendar").status == 200
        assert ada.fetch(scope="calendar contacts").error == "invalid_scope"

    def test_use_is_audited_once_an_hour(self, ada: Person, work: Work, clock: Clock) -> None:
        for _ in range(3):
            assert ada.fetch().status == 200
        assert names_of_events(work) == ["stored", "fetched"]
        clock.advance(minutes=40)
        assert ada.fetch().status == 200
        clock.advance(minutes=40)
        assert ada.fetch().status == 200
        assert names_of_events(work) == ["stored", "fetched", "fetched"]

    def test_only_an_operator_gives_the_permission_and_only_with_the_grant(self, work: Work) -> None:
        """N-407."""
        without_grant: dict[str, Any] = {"upstream_tokens": ("example",)}
        no_key: dict[str, Any] = {"upstream_tokens": ("A b",), "grant_types": (GRANT_TYPE,)}
        for metadata in (without_grant, no_key):
            with pytest.raises(InvalidMetadata), work() as w:
                make_client(w, redirect_uris=(), **metadata)

    def test_of_two_identities_the_one_used_last_counts(
        self, ada: Person, provider: TokenProvider, clock: Clock, work: Work
    ) -> None:
        clock.advance(minutes=1)
        provider.claims = provider.claims | {"sub": "ada-at-work", "email": "work@example.test"}
        provider.issued = {"scope": "of work"}
        assert "connected" in ada.traveller.link().text
        assert ada.fetch().body["scope"] == "of work"
