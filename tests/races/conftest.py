"""Two server processes over one database, and a relying party that talks to either."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from provider.config.settings import Settings
from provider.installation import open_installation
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation
from tests.races.servers import Server, Servers, free_port
from tests.races.starting_line import Post
from tests.support.factories import make_client, make_user
from tests.support.installation import Work, settings_for
from tests.support.relying_party import REVOKE, TOKEN, Answer, RelyingParty, sign_in_person
from tests.support.waiting import PATIENCE

GRACE = 10
_numbers = count(1)


@pytest.fixture
def grace() -> int:
    """Seconds; overridden by what tests the strict policy."""
    return GRACE


def race_settings(database_url: str, **changes: Any) -> Settings:
    issuer = f"http://127.0.0.1:{free_port()}"
    return settings_for(database_url, issuer=issuer, **{"database_timeout": 20, "refresh_grace": GRACE, **changes})


@contextmanager
def running(settings: Settings, folder: Path, **environment: str) -> Iterator[Servers]:
    """Two processes; `environment` are settings of theirs alone."""
    ports = [int(settings.issuer.rpartition(":")[2]), free_port()]
    servers = Servers([Server(settings, port, folder / f"{port}.log", environment) for port in ports])
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def settings(database_url: str, grace: int) -> Settings:
    return race_settings(database_url, refresh_grace=grace)


@pytest.fixture
def installation(settings: Settings) -> Iterator[Installation]:
    """Beside the servers, with the real clock like theirs: for setting up, and for looking at what is stored."""
    installation = open_installation(settings, clock=lambda: datetime.now(UTC), counter=LimitCounter())
    yield installation
    installation.database.close()


@pytest.fixture
def servers(settings: Settings, tmp_path: Path) -> Iterator[Servers]:
    with running(settings, tmp_path) as servers:
        yield servers


@pytest.fixture
def rp(servers: Servers, work: Work, settings: Settings) -> Iterator[RelyingParty]:
    with work() as w:
        client, secret = make_client(w, first_party=True)
    with httpx2.Client(base_url=settings.issuer, timeout=PATIENCE) as http:
        yield RelyingParty(http, client, secret, issuer=settings.issuer)


@pytest.fixture
def browser(servers: Servers, work: Work, installation: Installation) -> Iterator[httpx2.Client]:
    """Of somebody new."""
    with work() as w:
        person = make_user(w, f"person{next(_numbers)}@example.test")
    with httpx2.Client(base_url=installation.settings.issuer, timeout=PATIENCE) as http:
        sign_in_person(http, installation, person)
        yield http


def spread(servers: Servers, count: int) -> list[int]:
    """Which server each of so many goes to."""
    return [index % len(servers.all) for index in range(count)]


def redemption(rp: RelyingParty, server: Server, answer: Answer) -> Post:
    form = {
        "grant_type": "authorization_code",
        "code": answer.code,
        "redirect_uri": answer.asked["redirect_uri"],
        "code_verifier": answer.verifier,
    }
    return Post(server, TOKEN, form, rp.authentication()[0])


def refreshing(rp: RelyingParty, server: Server, refresh_token: str) -> Post:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return Post(server, TOKEN, form, rp.authentication()[0])


def revoking(rp: RelyingParty, server: Server, token: str) -> Post:
    return Post(server, REVOKE, {"token": token}, rp.authentication()[0])
