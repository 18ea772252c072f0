"""An initial access token of three uses, and many that register with it at one moment, in two processes."""

import json
import threading
from datetime import timedelta
from http.client import HTTPConnection

import pytest
from sqlalchemy import func, select

from provider.config.settings import Settings
from provider.oauth.clients import registration
from provider.oauth.clients.store.clients import clients
from tests.races.servers import Servers, free_port
from tests.races.starting_line import together
from tests.support.installation import Work, settings_for
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.race

USES, MANY = 3, 24


@pytest.fixture
def settings(database_url: str) -> Settings:
    issuer = f"http://127.0.0.1:{free_port()}"
    return settings_for(database_url, issuer=issuer, database_timeout=20, registration="token")


def test_no_more_register_than_the_token_has_uses(servers: Servers, work: Work) -> None:
    """RFC 7591 section 1.2: counted by one conditional UPDATE."""
    with work() as w:
        token, _ = registration.issue_initial_token(w, uses=USES, lifetime=timedelta(hours=1))
    line, statuses = threading.Barrier(MANY), [0] * MANY
    body = json.dumps({"redirect_uris": ["https://app.example.test/callback"]})

    def register(index: int) -> None:
        server = servers.all[index % 2]
        headers = {"host": server.host, "content-type": "application/json", "authorization": f"Bearer {token}"}
        connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.connect()
        line.wait(PATIENCE)
        connection.request("POST", "/oauth2/register", body, headers)
        statuses[index] = connection.getresponse().status
        connection.close()

    together([lambda index=index: register(index) for index in range(MANY)])  # type: ignore[misc]
    assert sorted(statuses) == [201] * USES + [401] * (MANY - USES)
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(clients)) == USES
