"""A database that is silent, neither refusing nor answering, holds no thread: every request hears 503 in time (F-3)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.database.engine import OUTAGES, open_database
from tests.support.installation import ISSUER, settings_for
from tests.support.network import Network
from tests.support.own_postgres import OwnServer
from tests.support.waiting import wait_until

TIMEOUT = 1.0
LONG = 60.0
"""Seconds within which everything ends on any machine. Without deadlines of our own, nothing ever would."""

Silence = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def network(own_server: OwnServer) -> Iterator[Network]:
    network = Network(own_server.data / ".s.PGSQL.5432")
    yield network
    network.close()


@pytest.fixture(params=[pytest.param("frozen processes", marks=pytest.mark.slow), "lost packets"])
def silence(request: pytest.FixtureRequest, own_server: OwnServer, network: Network) -> Silence:
    @contextmanager
    def lost_packets() -> Iterator[None]:
        network.drops.set()
        yield
        network.drops.clear()

    return own_server.frozen if request.param == "frozen processes" else lost_packets


@pytest.fixture
def settings(network: Network) -> Settings:
    url = f"postgresql+psycopg://signet@127.0.0.1:{network.port}/postgres?sslmode=disable&gssencmode=disable"
    return settings_for(url, database_timeout=TIMEOUT, registration="open")


def test_a_hundred_requests_at_once_hear_of_the_outage_and_all_works_when_it_is_over(
    app: Starlette, settings: Settings, silence: Silence
) -> None:
    """F-1, F-3: after one deadline nobody waits for the database any more, and the keys stay published."""
    never_connected = open_database(settings)

    def ask(path: str = "/oauth2/token") -> httpx2.Response:
        client = TestClient(app, base_url=ISSUER, follow_redirects=False)
        if path == "/oauth2/token":
            form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
            return client.post(path, data=form)
        return client.get(path)

    assert ask().status_code == 401
    assert ask("/oauth2/jwks").status_code == 200
    with ThreadPoolExecutor(100) as people, silence():
        since = time.monotonic()
        asked = [people.submit(ask) for _ in range(100)]
        answers = [one.result(LONG) for one in asked]
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.json()["error"] for answer in answers} == {"temporarily_unavailable"}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        # Each waiting by itself for the threads of the pool would take twenty times as long as one.
        assert time.monotonic() - since < 15 * TIMEOUT
        ready = ask("/health/ready")
        assert (ready.status_code, ready.json()["reasons"]) == (503, {"database": "unavailable"})
        assert ask("/health/live").status_code == 200
        assert ask("/oauth2/jwks").status_code == 200
        assert ask("/.well-known/openid-configuration").status_code == 200
        for _ in range(30):  # of these only the first waits, for a connection
            with pytest.raises(OUTAGES):
                never_connected.connect()
        assert time.monotonic() - since < 30 * TIMEOUT
    never_connected.close()
    wait_until(lambda: ask("/health/ready").status_code == 200, what="the database was not found again")
    assert ask().status_code == 401
