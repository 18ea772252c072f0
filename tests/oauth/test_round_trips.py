"""How often an operation waits for the database: round trips, counted in the network between the two.

With the database 80 ms away, each costs 80 ms. The number is the same on every machine.
"""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from provider.config.settings import Settings
from provider.work import Installation
from tests.support.installation import settings_for
from tests.support.network import Network
from tests.support.operations import prepare
from tests.support.round_trips import measure

pytestmark = pytest.mark.only_on("postgresql")

TIMES = 4
ROUND_TRIPS = {
    # Two prepare a statement, one asks at a process's first page whether apps use CIBA, and one locks the user's row.
    "sign-in": 42,
    "authorization": 2,
    "code": 2,
    "refresh_token": 2,
    "refresh_token with DPoP": 2,
    "client_credentials": 1,
    "client_credentials with DPoP": 2,
    "client_credentials with an assertion": 2,
    "userinfo": 1,
    "introspection": 1,
    "revocation": 7,
    "account page": 15,
    "discovery": 0,
}


@pytest.fixture
def network(database_url: str) -> Iterator[Network]:
    network = Network.before(database_url)
    yield network
    network.close()


@pytest.fixture
def settings(database_url: str, network: Network) -> Settings:
    """With the caches that an installation has, and a database behind the network."""
    usual = Settings.model_fields
    return settings_for(
        network.url_of(database_url),
        client_cache=usual["client_cache"].default,
        key_cache=usual["key_cache"].default,
    )


def test_no_operation_waits_for_the_database_more_often_than_it_did(
    app: Starlette, installation: Installation, network: Network
) -> None:
    operations = prepare(app, installation, times=TIMES)
    found = {name: measure(network, operation, times=TIMES).round_trips for name, operation in operations.items()}
    assert {name: trips for name, trips in found.items() if trips > ROUND_TRIPS[name]} == {}
