"""The world of the tests: settings, database, clock, app, browser, inbox. A capability's own are with its tests.

Whatever uses `database_url` (most tests do, through `installation`) runs twice: on SQLite and on a real PostgreSQL. A
test for which that makes no difference says so: `@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)`.
"""

import gc
import ipaddress
import os
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import anyio.from_thread
import bcrypt
import psycopg
import pytest
import redis
from sqlalchemy import Engine, create_engine, event, insert
from starlette import testclient
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.app import create_app, open_installation
from provider.audit.store import audit_events
from provider.config.settings import Settings
from provider.database import engine
from provider.database.migrations import migrate
from provider.oauth.keys import key_pairs, rotation
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.store import SigningKeyRow
from provider.oauth.setting_up import make_what_is_missing
from provider.oauth.tokens import subjects
from provider.oauth.tokens.store.installation_secrets import installation_secrets
from provider.ratelimits import LimitCounter
from provider.tables import metadata
from provider.work import Installation, UnitOfWork, unit_of_work
from tests.browser import Browser
from tests.certificates import Authority
from tests.clock import Clock
from tests.foreign_server import ForeignServer
from tests.in_process import InProcess
from tests.inbox import Inbox
from tests.services import MISSING, Services

ISSUER = "https://id.example.test"
FOREIGN_HOST = "app.example.test"
SECRET_KEY = "a secret key of 32 characters or more for tests"

Work = Callable[..., AbstractContextManager[UnitOfWork]]
"""`with work() as w:` is one unit of work; `work(Origin(network=...))` one from somewhere."""

services = Services()
missing: set[str] = set()


# The run: what is missing is said, and nothing leaves this machine.


def pytest_configure() -> None:
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    socket.socket.connect = connect_here  # type: ignore[method-assign,assignment]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """One PostgreSQL and one Redis for all workers of a parallel run: started here, the URLs handed on."""
    node.workerinput["services"] = {name: services.find(name) for name in ("PostgreSQL", "Redis")}


def pytest_sessionstart(session: pytest.Session) -> None:
    services.found.update(getattr(session.config, "workerinput", {}).get("services", {}))


def pytest_collection_finish() -> None:
    """What exists by now stays: the collector need not look at it after every few hundred new objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


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


# Databases: each test finds one that is migrated, has signing keys, and is otherwise empty.


@pytest.fixture(scope="session", autouse=True)
def _keys_are_parsed_once() -> Iterator[None]:
    """Importing an RSA key takes 27 ms, and nearly every test has the same one."""
    original = key_pairs.import_key
    parsed: dict[str, Any] = {}

    def parse(jwk: dict[str, Any]) -> Any:
        name = f"{jwk['kid']} {'d' in jwk}"
        if name not in parsed:
            parsed[name] = original(jwk)
        return parsed[name]

    key_pairs.import_key = parse
    yield
    key_pairs.import_key = original


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    """SQLAlchemy compiles a statement once for each engine and dialect, and every test has an engine of its own."""
    original = create_engine
    first: dict[str, Engine] = {}

    def create(*given: Any, **options: Any) -> Engine:
        made = original(*given, **options)
        name = made.dialect.name
        if name in first:
            made.dialect.initialize = lambda connection: None  # type: ignore[method-assign]  # it asks what is known
            made.dialect = made.pool._dialect = first[name].dialect
            made._compiled_cache = first[name]._compiled_cache
        else:
            event.listen(made, "connect", lambda *_: first.setdefault(name, made))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", create)
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


@pytest.fixture(scope="session", autouse=True)
def _requests_share_an_event_loop() -> Iterator[None]:
    with anyio.from_thread.start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestClient, "portal", portal)
        patch.setattr(testclient, "_TestClientTransport", InProcess)
        yield


def settings_for(database_url: str, **changes: Any) -> Settings:
    given = {
        "issuer": ISSUER,
        "env": "test",
        "secret_key": SECRET_KEY,
        "bcrypt_cost": 4,
        "client_cache": 0,
        "key_cache": 0,
        "database_url": database_url,
        "database_timeout": 5,
        **changes,
    }
    return Settings(**given)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with signing keys, to be copied."""
    path = tmp_path_factory.mktemp("template") / "signet.db"
    migrate(settings_for(f"sqlite:///{path}"))
    installation = open_installation(settings_for(f"sqlite:///{path}"))
    with unit_of_work(installation) as work:
        make_what_is_missing(work)
        work.db.execute(audit_events.delete())
    installation.database.close()
    return path


@pytest.fixture(scope="session")
def first_keys(sqlite_template: Path) -> list[SigningKeyRow]:
    """The signing keys every test starts with: making them takes time."""
    installation = open_installation(settings_for(f"sqlite:///{sqlite_template}"))
    with unit_of_work(installation) as work:
        rows = rotation.list_keys(work)
    installation.database.close()
    return rows


def create_postgres_database(name: str) -> str:
    """An empty database of this name; the one before it is dropped. Its URL."""
    server = services.require("PostgreSQL")
    admin = server.format(name="postgres").replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return server.format(name=name)


@pytest.fixture(scope="session")
def postgres_url(worker_id: str) -> str:
    """The migrated PostgreSQL database of this worker of a parallel run."""
    url = create_postgres_database(f"signet_{worker_id}")
    migrate(settings_for(url))
    installation = open_installation(settings_for(url))
    with unit_of_work(installation) as work:
        subjects.create_salt(work)
    installation.database.close()
    return url


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    given: dict[str, str] = getattr(request.config, "workerinput", {})
    return given.get("workerid", "main")


@pytest.fixture(scope="session")
def empty_postgres(postgres_url: str, first_keys: list[SigningKeyRow]) -> Iterator[Callable[[], str]]:
    """Call it for the URL of that database with signing keys and nothing else."""
    tables = [table for table in reversed(metadata.sorted_tables) if table is not installation_secrets]
    # Deleting from empty tables costs next to nothing, truncating them 20 ms.
    statements = "; ".join(f"DELETE FROM {table.name}" for table in tables)
    own = create_engine(postgres_url, pool_pre_ping=True)

    def empty() -> str:
        with own.begin() as db:
            db.exec_driver_sql(statements)
            db.execute(insert(signing_keys.signing_keys), [row.__dict__ for row in first_keys])
        return postgres_url

    yield empty
    own.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> str:
    """A migrated database with signing keys and nothing else."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("empty_postgres")()
        return url
    path = shutil.copy(sqlite_template, tmp_path / "signet.db")
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> str:
    """A database before its first migration."""
    if request.param == "postgresql":
        return create_postgres_database(f"signet_{worker_id}_empty")
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def redis_url(worker_id: str) -> str:
    """A real Redis with nothing in it; parallel workers have a numbered database each."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 15
    url = f"{services.require('Redis')}?db={number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


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
