"""The sample clients with a real Signet, by the test kit: as apps of others are tested."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
from signet_testing.signet import Signet
from starlette.testclient import TestClient

from provider.resources import CLIENTS
from tests.kit.conftest import signet, signet_server, signet_settings

__all__ = ["signet", "signet_server", "signet_settings"]

AUDIENCE = "https://api.example"


def sample(name: str) -> Any:
    """A module of clients/, found as whoever runs the samples finds it."""
    if str(CLIENTS) not in sys.path:
        sys.path.append(str(CLIENTS))
    return importlib.import_module(name)


@pytest.fixture
def api(signet: Signet) -> TestClient:
    """The sample API."""
    return TestClient(sample("resource_server.app").create_app(signet.issuer, AUDIENCE))


Issue = Callable[..., str]
Call = Callable[[str, str], Any]


@pytest.fixture
def issue(signet: Signet) -> Issue:
    """`issue(scope="roles", expired=True)`: an access token for the sample API."""
    user = signet.user(name="Ada")
    return lambda **asked: signet.token(**{"user": user, "scope": "profile", "audience": AUDIENCE, **asked})


@pytest.fixture
def call(api: TestClient) -> Call:
    """`call("/hello", token)`."""
    return lambda path, token: api.get(path, headers={"authorization": f"Bearer {token}"})
