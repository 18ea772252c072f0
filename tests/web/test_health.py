"""Health endpoints: is the process there, can it serve."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.app import create_app
from provider.installation import open_installation
from tests.support.installation import ISSUER, settings_for


@pytest.mark.both_databases
def test_a_service_with_its_database_is_ready(client: TestClient) -> None:
    assert client.get("/health/ready").json() == {"status": "ok"}


def test_a_service_that_is_stopping_says_so_and_stays_alive(app: Starlette, client: TestClient) -> None:
    """F-10: balancers stop sending before the process stops answering."""
    app.state.stopping = True
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/ready").json()["reasons"] == {"process": "stopping"}
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/signet.db", "postgresql+psycopg://signet@127.0.0.1:1/signet"],
    ids=["sqlite", "postgresql"],
)
def test_without_its_database_it_is_alive_but_not_ready(url: str) -> None:
    """F-1."""
    installation = open_installation(settings_for(url))
    app = create_app(installation)
    client = TestClient(app, base_url=ISSUER)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["reasons"]) == (503, {"database": "unavailable"})
    assert client.get("/health/live").json() == {"status": "ok"}
    app.state.threads.close()
    installation.database.close()
