"""The primary dies and a standby takes over: an outage until then, and everything works afterwards (F-1)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from provider.database.engine import OUTAGES, Database, open_database
from provider.doctor.system_checks import find_system_problems
from tests.support.installation import settings_for
from tests.support.network import Network
from tests.support.own_postgres import OwnServer, Standby
from tests.support.waiting import wait_until


@pytest.fixture
def standby(own_server: OwnServer) -> Iterator[Standby]:
    standby = Standby(own_server)
    try:
        wait_until(standby.answers, of=standby.process)
        yield standby
    finally:
        standby.stop()


def _findings(url: str) -> list[tuple[bool, str]]:
    """What `signet check --deploy` says of the servers."""
    found = find_system_problems(settings_for(url), deploy=True)
    return [(one.dangerous, one.problem) for one in found if one.about == "SIGNET_DATABASE_URL"]


def _can_write(database: Database) -> bool:
    try:
        with database.connect() as connection:
            connection.execute(text("DELETE FROM refusals"))
    except OUTAGES:
        return False
    return True


@pytest.mark.slow
def test_a_standby_takes_over(own_server: OwnServer, standby: Standby) -> None:
    """A standby that is still read-only is an outage (SQLSTATE 25006), and none once it was promoted."""
    url = f"postgresql+psycopg://signet@/postgres?host={own_server.data},{standby.folder}"
    standby_url = f"postgresql+psycopg://signet@/postgres?host={standby.folder}"
    assert _findings(url) == [
        (False, f"{own_server.data} does not wait for a standby, so a fail-over can undo the last changes")
    ]
    assert _findings(standby_url) == [(True, "no database server can write: all that respond are standbys")]
    database = open_database(settings_for(url, database_timeout=5))
    alone = open_database(settings_for(standby_url))
    assert _can_write(database)
    assert not _can_write(alone)
    own_server.stop()
    assert not _can_write(database)
    assert not _can_write(database)
    with alone.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM refusals")) == 0
    standby.promote()
    wait_until(lambda: _can_write(database), of=standby.process)
    assert (False, f"cannot reach the database server {own_server.data}") in _findings(url)
    own_server.start()
    folders = f"{own_server.data}, {standby.folder}"
    assert (True, f"2 database servers can write: {folders}") in _findings(url)
    wait_until(lambda: _can_write(alone), of=standby.process)
    database.close()
    alone.close()


@pytest.mark.slow
def test_a_server_that_is_cut_off_delays_only_the_first_connection(own_server: OwnServer) -> None:
    """The server that was reached last is asked first."""
    dead, alive = (Network(own_server.data / ".s.PGSQL.5432") for _ in range(2))
    dead.drops.set()
    where = f"127.0.0.1:{dead.port},127.0.0.1:{alive.port}"
    url = f"postgresql://signet@{where}/postgres?sslmode=disable&gssencmode=disable"
    database = open_database(settings_for(url, database_timeout=4))
    assert _can_write(database)
    asked = dead.round_trips
    assert asked
    for _ in range(3):
        database.engine.dispose()
        assert _can_write(database)
    assert dead.round_trips == asked
    for one in (dead, alive):
        one.close()
    database.close()
