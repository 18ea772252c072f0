"""An installation behind a stand-in for a proxy, which a test breaks."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.doctor import limits
from provider.doctor.examination import Case
from provider.work import Installation
from tests.cli.conftest import environ, signet
from tests.support.clock import Clock
from tests.support.doctor import FakeResolver, FakeTransport, Proxy
from tests.support.installation import ISSUER, settings_for

__all__ = ("environ", "signet")  # fixtures of the command line

PROXY_ADDRESS = "10.0.0.1"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, trusted_proxies=frozenset({PROXY_ADDRESS}))


@pytest.fixture
def proxy(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    with TestClient(app, base_url=ISSUER, follow_redirects=False, client=(PROXY_ADDRESS, 50000)) as client:
        yield Proxy(client, ISSUER)


@pytest.fixture
def case(proxy: Proxy, installation: Installation, clock: Clock) -> Case:
    return Case(
        url=ISSUER,
        transport=FakeTransport(proxy),
        resolver=FakeResolver({"id.example.test": ["198.51.100.7"]}),
        now=clock,
        installation=installation,
    )
