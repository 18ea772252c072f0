"""An upstream whose tokens are stored, an API that may use them, and Ada, who signed in there."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.federation.token_fetching import TokenFetching
from provider.federation.upstreams import open_upstreams
from provider.oauth.grants.token_exchange import GRANT_TYPE
from provider.work import Installation
from tests.federation.conftest import EXAMPLE
from tests.federation.fake_provider import FakeProvider, Traveller
from tests.federation.token_provider import TokenProvider
from tests.federation.upstream_tokens.people import BOOKS, Person, make_party
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    return {"example": EXAMPLE | {"store_tokens": True, "token_scopes": ["calendar", "offline_access"]}}


@pytest.fixture
def provider(clock: Clock) -> TokenProvider:
    return TokenProvider(clock)


@pytest.fixture
def books(work: Work, client: TestClient) -> RelyingParty:
    """An API that may use the accounts of its users at Example."""
    return make_party(
        work,
        client,
        client_name="Books",
        resource_identifiers=(BOOKS,),
        upstream_tokens=("example",),
        grant_types=(GRANT_TYPE,),
        redirect_uris=(),
        scope="openid read",
    )


@pytest.fixture
def ada(traveller: Traveller, work: Work, client: TestClient, books: RelyingParty) -> Person:
    assert traveller.sign_in().path == "/account"
    return Person(traveller, make_party(work, client, scope="openid read"), books)


@pytest.fixture
def nodes(installation: Installation, provider: FakeProvider) -> Callable[[], TokenFetching]:
    return lambda: TokenFetching(open_upstreams(installation.settings, installation.upstreams, installation.vault))
