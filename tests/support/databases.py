"""The databases of the tests: each test finds one that is migrated, has signing keys, and is otherwise empty.

A test runs on SQLite. Where storage decides the outcome (a conditional write, a lock, a dialect of its own, a search, a
race) the test or its module is marked `pytest.mark.both_databases` and runs on a real PostgreSQL as well. A whole flow
of such writes, each with a test of its own, is marked `pytest.mark.also_on_postgresql`: that run is slow, so CI does it
and `make test` does not. `--all-databases` runs every test on both. `pytest.mark.only_on("postgresql")` is for what
exists on one of them only.
"""

import fcntl
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, insert

from provider.audit.store import audit_events
from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.keys import rotation
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.store import SigningKeyRow
from provider.oauth.setting_up import create_keys_and_salt
from provider.oauth.tokens import subjects
from provider.oauth.tokens.store.installation_secrets import installation_secrets
from provider.tables import metadata
from provider.work import unit_of_work
from tests.support.installation import settings_for
from tests.support.own_postgres import OwnServer
from tests.support.services import Services, services

BOTH = ("sqlite", "postgresql")
WHERE = {
    "both_databases": BOTH,
    "also_on_postgresql": ("sqlite", pytest.param("postgresql", marks=pytest.mark.slow)),
}
"""On which databases a test with this mark runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-databases", action="store_true", help="run every test with a database on PostgreSQL too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Decide on which databases a test runs. One that names them itself runs on those."""
    named = {name for mark in metafunc.definition.iter_markers("parametrize") for name in _names(mark)}
    everything = metafunc.config.getoption("all_databases")
    for fixture in ("database_url", "empty_database_url"):
        if fixture not in metafunc.fixturenames or fixture in named or not _is_ours(metafunc, fixture):
            continue
        only = metafunc.definition.get_closest_marker("only_on")
        # The mark of a test counts before the one of its module.
        closest = next((mark.name for mark in metafunc.definition.iter_markers() if mark.name in WHERE), None)
        if only is not None:
            metafunc.parametrize(fixture, only.args, indirect=True)
        elif everything:
            metafunc.parametrize(fixture, BOTH, indirect=True)
        elif closest is not None:
            metafunc.parametrize(fixture, WHERE[closest], indirect=True)


def _names(mark: pytest.Mark) -> list[str]:
    """The parameters that a `parametrize` gives."""
    given = mark.args[0]
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else list(given)


def _is_ours(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Does the fixture come from here? A test may have one of its own by the same name."""
    return metafunc._arg2fixturedefs[fixture][-1].func.__module__ == __name__


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """`gw0`, `gw1` and so on in a parallel run, else `main`."""
    given: dict[str, str] = getattr(request.config, "workerinput", {})
    return given.get("workerid", "main")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "main" else own.parent


@contextmanager
def _one_after_the_other(folder: Path) -> Iterator[None]:
    """Let one worker in at a time: the first makes what the others find."""
    with (folder / "templates.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def sqlite_template(run_folder: Path) -> Path:
    """A migrated SQLite file with signing keys, to be copied."""
    path = run_folder / "template.db"
    with _one_after_the_other(run_folder):
        if not path.exists():
            _make_sqlite_template(path.with_suffix(".new"))
            path.with_suffix(".new").rename(path)
    return path


def _make_sqlite_template(path: Path) -> None:
    migrate(settings_for(f"sqlite:///{path}"))
    installation = open_installation(settings_for(f"sqlite:///{path}"))
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
        work.db.execute(audit_events.delete())
    installation.database.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # In pages of 1 KiB it is a third as large: each test copies it. WAL keeps the size of pages.
        for statement in (
            "PRAGMA journal_mode = DELETE",
            "PRAGMA page_size = 1024",
            "VACUUM",
            "PRAGMA journal_mode = WAL",
        ):
            connection.execute(statement)


@pytest.fixture(scope="session")
def first_keys(sqlite_template: Path) -> list[SigningKeyRow]:
    """The signing keys every test starts with: making them takes time."""
    installation = open_installation(settings_for(f"sqlite:///{sqlite_template}"))
    with unit_of_work(installation) as work:
        rows = rotation.list_keys(work)
    installation.database.close()
    return rows


def create_postgres_database(name: str, *, template: str = "template1") -> str:
    """Create a database of this name as a copy of another one, dropping the one before it. Returns its URL."""
    server = services.require("PostgreSQL")
    admin = server.format(name="postgres").replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return server.format(name=name)


@pytest.fixture(scope="session")
def postgres_url(worker_id: str, run_folder: Path) -> str:
    """The migrated PostgreSQL database of this worker of a parallel run."""
    made = run_folder / "postgresql-template"
    with _one_after_the_other(run_folder):
        if not made.exists():
            url = create_postgres_database("signet_template")
            migrate(settings_for(url))
            installation = open_installation(settings_for(url))
            with unit_of_work(installation) as work:
                subjects.create_salt(work)
            installation.database.close()
            made.touch()
        return create_postgres_database(f"signet_{worker_id}", template="signet_template")


@pytest.fixture(scope="session")
def empty_postgres(postgres_url: str, first_keys: list[SigningKeyRow]) -> Iterator[Callable[[], str]]:
    """A function that empties that database but for the signing keys, and returns its URL."""
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


@pytest.fixture(scope="session")
def _sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of the next database. A name is used once: SQLite deletes the files beside a database by their names."""
    folder = tmp_path_factory.mktemp("databases")
    return (folder / f"{number}.db" for number in count())


@pytest.fixture
def own_server(postgres_url: str, first_keys: list[SigningKeyRow]) -> Iterator[OwnServer]:
    """A PostgreSQL of this test's own, migrated, with signing keys. `postgres_url` skips the test if there is none."""
    own = Services()
    try:
        server = OwnServer(own)
        migrate(settings_for(server.url))
        engine = create_engine(server.url)
        with engine.begin() as db:
            db.execute(insert(signing_keys.signing_keys), [row.__dict__ for row in first_keys])
        engine.dispose()
        yield server
    finally:
        own.stop()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, sqlite_template: Path, _sqlite_files: Iterator[Path]) -> Iterator[str]:
    """A migrated database with signing keys and nothing else."""
    if getattr(request, "param", "sqlite") == "postgresql":
        yield request.getfixturevalue("empty_postgres")()
        return
    path = next(_sqlite_files)
    shutil.copyfile(sqlite_template, path)
    yield f"sqlite:///{path}"
    for name in ("", "-wal", "-shm", "-lock"):
        Path(f"{path}{name}").unlink(missing_ok=True)


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> str:
    """A database before its first migration."""
    if getattr(request, "param", "sqlite") == "postgresql":
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
