"""The pool is bounded, a broken transaction leaves nothing behind, and errors carry no values."""

from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from provider.config.settings import Settings
from provider.database.engine import OUTAGES, open_database

pytestmark = pytest.mark.both_databases


def test_more_connections_than_threads_are_an_outage_within_the_time(settings: Settings) -> None:
    """Decision 60; F-3."""
    few = settings.model_copy(update={"threads": 1})
    database = open_database(few)
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.timeout() == few.database_timeout
    pool._timeout = 0.1  # of waiting for a connection; opening one on a busy machine takes longer
    held: list[Connection] = []
    with pytest.raises(OUTAGES):
        while len(held) < 20:
            held.append(database.engine.connect())
    assert len(held) == few.worker_threads + few.password_threads + few.outbound_threads + 4
    for connection in held:
        connection.close()
    database.close()


def test_a_transaction_that_fails_gives_the_lock_back(settings: Settings) -> None:
    database = open_database(settings)
    for _ in range(3):
        with database.engine.connect() as connection:
            database.begin(connection)
            with pytest.raises(DBAPIError):
                connection.execute(text("SELECT nonsense FROM nowhere"))
            database.end(connection, commit=False)
    database.close()


def test_an_error_does_not_tell_the_values(settings: Settings) -> None:
    database = open_database(settings)
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as failed:
        connection.execute(text("SELECT :secret FROM nowhere"), {"secret": "hunter2"})
    assert "hunter2" not in str(failed.value)
    database.close()


@pytest.mark.only_on("sqlite")
def test_sqlite_survives_a_killed_process(settings: Settings) -> None:
    database = open_database(settings)
    with database.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 1
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    database.close()


@pytest.mark.only_on("postgresql")
def test_postgresql_answers_in_time_or_not_at_all(settings: Settings) -> None:
    database = open_database(settings.model_copy(update={"database_timeout": 2}))
    with database.engine.connect() as connection, pytest.raises(OUTAGES):
        connection.execute(text("SELECT pg_sleep(60)"))
    database.close()


@pytest.mark.only_on("postgresql")
def test_a_plain_postgresql_url_means_the_driver_we_ship(settings: Settings) -> None:
    plain = settings.database_url.replace("+psycopg", "")
    database = open_database(settings.model_copy(update={"database_url": plain}))
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    database.close()


@pytest.mark.only_on("postgresql")
def test_a_connection_keeps_more_prepared_statements_than_a_sign_in_and_a_page_have(settings: Settings) -> None:
    """One that is pushed out costs two more round trips when it comes back."""
    database = open_database(settings)
    with database.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        for number in range(200):
            driver.repeat(f"SELECT {number}", {})
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 200
    database.close()


def test_a_transaction_that_changes_nothing_does_not_show_that_the_disk_works_again(settings: Settings) -> None:
    database = open_database(settings)
    if not database.is_sqlite:
        pytest.skip("PostgreSQL is asked whether it is read-only")
    database._note(OSError("No space left on device"))
    with database.engine.connect() as connection:
        for statement in ("CREATE TABLE t (i)", "DELETE FROM t"):
            database.begin(connection)
            connection.execute(text(statement))
            database.end(connection, commit=True)
            assert database._disk_failed is True
        database.begin(connection)
        connection.execute(text("INSERT INTO t VALUES (1)"))
        database.end(connection, commit=True)
        assert database._disk_failed is False
    database.close()
