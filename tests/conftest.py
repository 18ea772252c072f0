"""The fixtures that most tests use: settings, clock, app, browser, inbox. A capability has its own beside its tests.

docs/development/testing.md says how the suite is arranged. The databases are in `tests.support.databases`.
"""

import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.app import create_app
from provider.config.settings import Settings
from provider.installation import open_installation
from provider.outbox import relay
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.support.browser import Browser
from tests.support.certificates import Authority
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer
from tests.support.inbox import Inbox
from tests.support.installation import FOREIGN_HOST, ISSUER, Work, settings_for
from tests.support.services import MISSING, services

pytest_plugins = [
    f"tests.support.{name}"
    for name in ("chromium", "collecting", "databases", "documented", "effort", "limits", "speed")
]

missing: set[str] = set()


# The run: what is missing is said, and nothing leaves this machine.


OUTSIDE = ("docs/test_operate", "topology", "journeys", "races", "interop", "database/test_migration_killed", "test_")
"""What starts processes and browsers, the longest first. `test_` is the files at the root: demo, packaging, serve."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with tests that take long or wait for processes, so that no worker is left with one of them at the end."""
    root = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        if item.get_closest_marker("slow") is not None:
            return -1
        place = str(item.path.relative_to(root))
        return next((at for at, start in enumerate(OUTSIDE) if place.startswith(start)), len(OUTSIDE))

    items.sort(key=rank)


def pytest_configure() -> None:
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    socket.socket.connect = connect_here  # type: ignore[method-assign,assignment]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """One PostgreSQL, one Redis and so on for all workers of a parallel run: started here, the URLs handed on."""
    names = ("PostgreSQL", "Redis", "signet")
    assert services.folder.exists()  # made here, before the threads
    with ThreadPoolExecutor() as threads:
        node.workerinput["services"] = dict(zip(names, threads.map(services.find, names), strict=True))


def pytest_sessionstart(session: pytest.Session) -> None:
    services.found.update(getattr(session.config, "workerinput", {}).get("services", {}))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        _, found, what = report.longrepr[2].partition(MISSING)
        if found:
            missing.add(what)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if missing and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for what in sorted(missing):
        terminalreporter.write_line(f"NOT TESTED, missing: {what}", red=True, bold=True)


def pytest_unconfigure() -> None:
    services.stop()


@pytest.fixture(scope="session", autouse=True)
def _pauses_are_exact() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "JITTER", 0.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_in_a_pool_of_their_own() -> Iterator[None]:
    """Of every request of every test: one that hashes in an ordinary thread, where tokens are made, crashes."""

    def elsewhere(hash_: Callable[..., Any]) -> Callable[..., Any]:
        def hashed(*given: bytes) -> Any:
            assert not threading.current_thread().name.startswith("endpoint")
            return hash_(*given)

        return hashed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bcrypt, "hashpw", elsewhere(bcrypt.hashpw))
        patch.setattr(bcrypt, "checkpw", elsewhere(bcrypt.checkpw))
        yield


# Other people's servers, on loopback: `foreign_server` is one; with `outbound_settings` it may be asked and is trusted.


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def foreign_tls(authority: Authority) -> ssl.SSLContext:
    return authority.issue(FOREIGN_HOST, "localhost", "127.0.0.1")


@pytest.fixture
def foreign_server(foreign_tls: ssl.SSLContext) -> Iterator[ForeignServer]:
    with ForeignServer(foreign_tls) as server:
        yield server


@pytest.fixture(scope="session")
def outbound_settings(authority: Authority) -> dict[str, Any]:
    """`settings_for(database_url, **outbound_settings)`."""
    return {"outbound_allow": frozenset({"127.0.0.0/8"}), "outbound_ca": authority.file}


# The installation and the ways into it.


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Fit for tests; a test that needs others overrides this fixture or uses `settings.model_copy(update=...)`."""
    return settings_for(database_url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def installation(settings: Settings, clock: Clock) -> Iterator[Installation]:
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    yield installation
    installation.database.close()


@pytest.fixture
def work(installation: Installation) -> Work:
    """As `Work` says."""
    return partial(unit_of_work, installation)


@pytest.fixture
def app(installation: Installation) -> Iterator[Starlette]:
    app = create_app(installation)
    yield app
    app.state.threads.close()


@pytest.fixture
def client(app: Starlette) -> TestClient:
    """Plain HTTP, for programs: no redirects are followed."""
    return TestClient(app, base_url=ISSUER, follow_redirects=False)


@pytest.fixture
def browser(app: Starlette) -> Browser:
    return Browser(app, ISSUER)


@pytest.fixture
def new_browser(app: Starlette) -> Callable[[], Browser]:
    """Another person's browser, or another device."""
    return lambda: Browser(app, ISSUER)


@pytest.fixture
def inbox(installation: Installation) -> Inbox:
    return Inbox(installation)
