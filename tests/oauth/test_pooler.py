"""PgBouncer between Signet and PostgreSQL, in transaction mode: each transaction may have another server connection."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import httpx2
import psycopg
import pytest
from sqlalchemy import text

from provider.config.environment import load_settings
from provider.config.settings import Settings
from provider.database.engine import OUTAGES, open_database, pool_size
from provider.database.migrations import migrate, require_current
from provider.installation import open_installation
from provider.oauth.setting_up import create_keys_and_salt
from provider.ratelimits.counter import LimitCounter
from provider.work import unit_of_work
from tests.oauth.conftest import Person, Register
from tests.support.factories import make_client, make_user
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.relying_party import RelyingParty, sign_in_person
from tests.support.server_process import free_port, serving
from tests.support.services import unavailable
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.only_on("postgresql"), pytest.mark.slow]

CALLBACK = "http://127.0.0.1:9/callback"
SCOPE = "openid offline_access"
OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'signet' AND pid <> pg_backend_pid()
"""
CONNECTIONS = 3
"""Server connections of the pooler: fewer than ours, so that they are shared."""


@pytest.fixture(params=["", "options"], ids=["refuses options", "ignores options"])
def pooler_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """The same database through a PgBouncer of this test's own."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        unavailable("PgBouncer", "no pgbouncer on PATH")
    found = psycopg.conninfo.conninfo_to_dict(database_url.replace("+psycopg", ""))
    port, name = free_port(), found["dbname"]
    configuration = tmp_path / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n{name} = host={found['host']} user=signet\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
        f"default_pool_size = {CONNECTIONS}\nmax_client_conn = 400\n"
        f"ignore_startup_parameters = extra_float_digits,{request.param}\n"
        + (f"user = {Path(str(found['host'])).owner()}\n" if os.getuid() == 0 else "")
    )
    process = subprocess.Popen([program, "-q", str(configuration)], stderr=subprocess.DEVNULL)
    url = f"postgresql+psycopg://signet@127.0.0.1:{port}/{name}?sslmode=disable&gssencmode=disable"

    def answers() -> bool:
        try:
            psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_until(answers, of=process)
        yield url
    finally:
        process.kill()
        process.wait()


STATE = """
SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),
  (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_listening_channels()),
  (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
  (SELECT count(*) FROM pg_class WHERE relpersistence = 't')
"""
"""What a session keeps."""


def sessions(settings: Settings) -> dict[int, tuple[object, ...]]:
    """The pid of each server connection of the pooler, and what its session keeps. All are asked at the same time."""
    database = open_database(settings)
    with ExitStack() as stack:
        stack.callback(database.close)
        found = {}
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(database.connect())
            connection.exec_driver_sql("BEGIN")  # from here on it has a server connection of its own
            stack.callback(connection.exec_driver_sql, "ROLLBACK")
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            found[pid] = tuple(connection.execute(text(STATE)).one())
    assert len(found) == CONNECTIONS
    return found


def assert_nothing_is_left(settings: Settings) -> None:
    """No session has a setting, a prepared statement, a channel, a lock or a table."""
    assert set(sessions(settings).values()) == {("0", "0", 0, 0, 0, 0)}


@pytest.fixture
def settings(pooler_url: str) -> Settings:
    return settings_for(pooler_url, database_timeout=20)


def test_people_sign_in_and_tokens_are_refreshed(
    register: Register, ada: str, person: Person, settings: Settings
) -> None:
    """Nothing depends on the session: no prepared statement, no setting, no lock."""
    rp = register()

    def sign_in_and_refresh(_number: int) -> int:
        tokens = rp.sign_in(person(ada), scope="openid offline_access")
        for _ in range(3):
            tokens = rp.refresh(tokens)
        return rp.userinfo(tokens).status_code

    # More often than the driver waits before it prepares a statement, over all server connections.
    with ThreadPoolExecutor(4) as people:
        assert list(people.map(sign_in_and_refresh, range(12))) == [200] * 12
    assert_nothing_is_left(settings)


HELD = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE locktype = 'advisory' AND datname = current_database()
"""
"""The advisory locks of this database: other tests migrate theirs on the same server."""


def test_the_schema_is_migrated_through_it(settings: Settings) -> None:
    """One migrator at a time is held to by a transaction: the session belongs to nobody."""
    for revision in ("-1", "head"):
        migrate(settings, revision)
    database = open_database(settings)
    require_current(database)
    with database.connect() as connection:
        held = connection.scalar(text(HELD))
    assert held == 0
    database.close()
    assert_nothing_is_left(settings)


def test_a_transaction_waits_for_a_lock_only_until_its_own_deadline(settings: Settings) -> None:
    """Each transaction sets its timeouts, and leaves none behind in a connection that others use."""
    database = open_database(settings.model_copy(update={"database_timeout": 2}))
    lock = text("LOCK TABLE refusals IN ACCESS EXCLUSIVE MODE")
    with database.connect() as one, database.connect() as other:
        database.begin(one)
        one.execute(lock)
        database.begin(other)
        with pytest.raises(OUTAGES) as raised:
            other.execute(lock)
        assert str(raised.value).endswith(("(55P03)", "(57014)"))
        database.end(other, commit=False)
        database.end(one, commit=True)
        assert {one.scalar(text("SHOW lock_timeout")) for _ in range(CONNECTIONS)} == {"0"}
    database.close()


@pytest.mark.load
@pytest.mark.parametrize("pooled", [True, False], ids=["behind PgBouncer", "without"])
def test_twenty_processes_open_no_more_connections_than_they_may(
    database_url: str, pooler_url: str, *, pooled: bool
) -> None:
    """docs/operate/scale.md, "Connections"."""
    port = free_port()
    environ = {
        "SIGNET_DATABASE_URL": pooler_url if pooled else database_url,
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_ISSUER": f"http://127.0.0.1:{port}",
        "SIGNET_DATABASE_TIMEOUT": "20",
    }
    installation = open_installation(load_settings(environ), counter=LimitCounter())
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
        client = make_client(work, redirect_uris=(CALLBACK,), scope=SCOPE, first_party=True)
        user = make_user(work, "ada@example.test")
    with ExitStack() as stack:
        stack.callback(installation.database.close)
        server = stack.enter_context(serving(environ, workers=20, port=port))

        def work_for_a_while(_number: int) -> set[int]:
            """Each request opens a connection, so that all processes get some."""
            found, headers = set(), {"connection": "close"}
            with httpx2.Client(base_url=server.origin, timeout=PATIENCE, headers=headers, trust_env=False) as http:
                sign_in_person(http, installation, user)
                app = RelyingParty(http, *client, issuer=f"http://127.0.0.1:{port}")
                for _ in range(10):
                    tokens = app.sign_in(http, scope=SCOPE)
                    found |= {tokens.status, app.refresh(tokens).status, app.userinfo(tokens).status_code}
            return found

        most, done = 0, Event()
        with ThreadPoolExecutor(33) as threads:
            running = [threads.submit(work_for_a_while, number) for number in range(32)]
            while not all(each.done() for each in running):
                with installation.database.connect() as connection:
                    most = max(most, connection.scalar(text(OPEN)) or 0)
                done.wait(0.05)
            assert {status for each in running for status in each.result()} == {200}
    assert 0 < most <= (CONNECTIONS if pooled else 20 * pool_size(load_settings(environ)))
