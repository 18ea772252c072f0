"""The pytest plugin: `signet` for a test, `signet_server` for fixtures that live longer.

Both are the same Signet. What a test creates is gone after it; what a fixture of the session or of a module creates
stays. Each worker of pytest-xdist has its own.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from signet_testing.signet import Signet


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("signet_port", "Port of the Signet of the tests. 0 picks a free one.", default="0")


@pytest.fixture(scope="session")
def signet_settings() -> Mapping[str, Any]:
    """Return settings of the Signet of the tests. Override it to change some: `{"access_token_lifetime": "2m"}`."""
    return {}


@pytest.fixture(scope="session")
def signet_server(request: pytest.FixtureRequest, signet_settings: Mapping[str, Any]) -> Iterator["Signet"]:
    """Run the Signet of this process. It starts when the first test needs it."""
    from signet_testing.signet import Signet  # noqa: PLC0415  # loads Signet, which only these tests need

    with Signet(port=int(request.config.getini("signet_port")), settings=signet_settings) as signet:
        yield signet


@pytest.fixture
def signet(signet_server: "Signet") -> Iterator["Signet"]:
    """Lend the Signet of this process to a test. Once the test has ended, it is as before."""
    before = signet_server.save()
    signet_server.requests.clear()
    yield signet_server
    signet_server.restore(before)
