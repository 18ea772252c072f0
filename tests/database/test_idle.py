"""Connections that are kept between units of work: none is shared, waited for in vain, or kept when it is useless."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from provider.config.settings import Settings
from provider.database.engine import OUTAGES, Database, open_database
from provider.database.idle import IdleConnections

pytestmark = pytest.mark.both_databases


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.model_copy(update={"threads": 1}))
    yield database
    database.close()


def test_the_latest_connection_given_back_is_taken_next(database: Database) -> None:
    one, other = database.connect(), database.connect()
    assert database.in_use == 2
    database.give_back(one)
    database.give_back(other)
    assert database.in_use == 0
    assert database.connect() is other
    assert database.connect() is one
    database.give_back(one)
    database.give_back(other)


def test_a_connection_with_an_open_transaction_is_not_kept(database: Database) -> None:
    """The pool rolls the transaction back."""
    write = text("INSERT INTO refusals SELECT * FROM refusals")
    left = database.connect()
    database.begin(left)
    left.execute(write)
    if database._write_lock is not None:
        database._write_lock.release()
    database.give_back(left)
    assert left.closed
    with database.connect() as another:
        database.begin(another)
        another.execute(write)
        database.end(another, commit=True)


def test_a_thread_that_waits_gets_the_connection_given_back(database: Database) -> None:
    """All are in use, so each thread waits for the one before it."""
    size = database.engine.pool.size()  # type: ignore[attr-defined]  # of a QueuePool
    held = [database.connect() for _ in range(size)]

    def use(_: int) -> int:
        connection = database.connect()
        found = connection.scalar(text("SELECT 1"))
        database.give_back(connection)
        return int(found or 0)

    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(use, range(50))
        for connection in held:
            database.give_back(connection)
        assert sum(answers) == 50
    assert database.in_use == 0


def test_a_connection_given_back_while_a_thread_looks_at_the_pool_reaches_it() -> None:
    """The order that would leave it waiting: it finds nothing idle, then the connection arrives."""
    given: list[str] = []

    class Fake(Connection):
        def __init__(self) -> None:
            pass

        def close(self) -> None:
            given.append("to the pool")

    def wait_for_pool() -> Connection:
        idle.give_back(Fake())
        assert given == ["to the pool"]
        return Fake()

    idle = IdleConnections(wait_for_pool)
    idle.take()
    assert len(idle) == 0


@pytest.mark.only_on("postgresql")
def test_a_lost_connection_makes_the_idle_ones_go_too(database: Database) -> None:
    """After a restart of the server one request fails, not one for each connection."""
    held = [database.connect() for _ in range(3)]
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    for connection in held:
        connection.scalar(text("SELECT 1"))
    held[0].execute(others)
    for connection in held:
        database.give_back(connection)
    failed = database.connect()  # held[2]
    with pytest.raises(OUTAGES):
        failed.scalar(text("SELECT 1"))
    database.give_back(failed)
    for _ in range(3):
        connection = database.connect()
        assert connection.scalar(text("SELECT 1")) == 1
        database.give_back(connection)
