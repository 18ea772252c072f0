"""Every error of a database is classified once: an outage, a conflict to be tried again, or a bug (F-3, F-4)."""

import errno
import sqlite3
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.database.engine import OUTAGES, Database, open_database
from provider.database.outages import DatabaseUnavailable, TransactionConflict, outage_of
from provider.oauth.http.refused import protocol_endpoint
from provider.web.call import Call
from provider.work import Installation, UnitOfWork, unit_of_work

OUTAGE, CONFLICT, BUG = DatabaseUnavailable, TransactionConflict, type(None)

SQLSTATES = {
    "08000": OUTAGE,
    "08006": OUTAGE,
    "08P01": OUTAGE,  # also PgBouncer: query_wait_timeout, server conn crashed
    "25006": OUTAGE,  # read_only_sql_transaction
    "25P02": BUG,  # in_failed_sql_transaction
    "25P03": OUTAGE,  # idle_in_transaction_session_timeout
    "40001": CONFLICT,  # serialization_failure
    "40003": OUTAGE,  # statement_completion_unknown
    "40P01": CONFLICT,  # deadlock_detected
    "53100": OUTAGE,  # disk_full
    "53200": OUTAGE,
    "53300": OUTAGE,  # too_many_connections
    "55P03": OUTAGE,  # lock_not_available
    "57014": OUTAGE,  # query_canceled: statement_timeout
    "57P01": OUTAGE,  # admin_shutdown
    "57P02": OUTAGE,
    "57P03": OUTAGE,  # cannot_connect_now
    "57P05": OUTAGE,
    "58000": OUTAGE,
    "58030": OUTAGE,  # io_error
    "22021": BUG,
    "23505": BUG,  # unique_violation
    "42501": BUG,
    "42601": BUG,  # syntax_error
    "42P01": BUG,  # undefined_table
    "XX000": BUG,
    "XX001": BUG,
}


@pytest.mark.parametrize(("sqlstate", "expected"), SQLSTATES.items())
def test_each_sqlstate_is_an_outage_a_conflict_or_a_bug(sqlstate: str, expected: type[object]) -> None:
    error = psycopg.Error()
    error.sqlstate = sqlstate
    assert type(outage_of(error)) is expected


SQLITE_CODES = {
    sqlite3.SQLITE_BUSY: OUTAGE,
    sqlite3.SQLITE_BUSY_SNAPSHOT: OUTAGE,
    sqlite3.SQLITE_LOCKED: OUTAGE,
    sqlite3.SQLITE_READONLY: OUTAGE,
    sqlite3.SQLITE_READONLY_DBMOVED: OUTAGE,
    sqlite3.SQLITE_IOERR_FSYNC: OUTAGE,
    sqlite3.SQLITE_FULL: OUTAGE,
    sqlite3.SQLITE_CANTOPEN: OUTAGE,
    sqlite3.SQLITE_ERROR: BUG,
    sqlite3.SQLITE_CORRUPT: BUG,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: BUG,
    sqlite3.SQLITE_MISMATCH: BUG,
}


@pytest.mark.parametrize(("code", "expected"), SQLITE_CODES.items())
def test_each_result_code_of_sqlite_is_an_outage_or_a_bug(code: int, expected: type[object]) -> None:
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = code
    assert type(outage_of(error)) is expected


def test_every_error_while_connecting_is_an_outage() -> None:
    """A password that was changed, or a database that was dropped, is no fault of the request."""
    error = psycopg.errors.InvalidPassword()
    assert type(outage_of(error, connecting=True)) is OUTAGE


@pytest.mark.both_databases
def test_a_missing_table_is_a_bug_and_no_outage(settings: Settings) -> None:
    database = open_database(settings)
    with database.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("SELECT nothing FROM nowhere"))
    database.close()


def _write(work: UnitOfWork) -> None:
    work.db.execute(text("DELETE FROM refusals"))


@pytest.mark.only_on("postgresql")
def test_a_read_only_postgresql_is_an_outage_for_writes_until_it_is_writable(settings: Settings) -> None:
    """SQLSTATE 25006, and a connection is opened anew afterwards, as after a fail-over."""
    database = open_database(settings)
    url = settings.database_url.replace("+psycopg", "")
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        try:
            with database.connect() as connection, pytest.raises(OUTAGES) as raised:
                connection.execute(text("DELETE FROM refusals"))
            assert "(25006)" in str(raised.value)
            with database.connect() as connection:
                assert connection.scalar(text("SELECT count(*) FROM refusals")) == 0
        finally:
            operator.execute("SET default_transaction_read_only = off")
            operator.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        with database.connect() as connection, pytest.raises(OUTAGES):
            connection.execute(text("DELETE FROM refusals"))
        with database.connect() as connection:
            connection.execute(text("DELETE FROM refusals"))
    database.close()


def _limit(database: Database, pragma: str) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("pragma", ["query_only=1", "max_page_count=1"], ids=["read-only", "full"])
def test_a_sqlite_that_cannot_write_is_an_outage(installation: Installation, pragma: str) -> None:
    _limit(installation.database, pragma)
    large = "INSERT INTO alembic_version VALUES (hex(zeroblob(1000000)))"
    with pytest.raises(DatabaseUnavailable), unit_of_work(installation) as work:
        work.db.execute(text(large))


@pytest.mark.only_on("sqlite")
def test_a_lock_file_that_cannot_be_opened_is_an_outage(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that was mounted read-only, or is full."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("provider.database.write_lock.os.open", refuse)
    with pytest.raises(DatabaseUnavailable), unit_of_work(installation) as work:
        _write(work)


def _conflict() -> TransactionConflict:
    return TransactionConflict("SerializationFailure")


def _at(app: Starlette, function: Callable[[Call], Response]) -> Response:
    app.router.routes.append(Route("/tried", protocol_endpoint(function), methods=["POST"]))
    return TestClient(app, base_url=str(app.state.installation.settings.issuer)).post("/tried")  # type: ignore[return-value]


@pytest.mark.parametrize(("lost", "status"), [(1, 200), (3, 200), (4, 503)])
def test_a_request_that_lost_against_another_transaction_is_repeated(app: Starlette, lost: int, status: int) -> None:
    """Nothing of the lost attempts is kept; after three more the answer is an outage."""
    attempts: list[Call] = []

    def answer(call: Call) -> Response:
        attempts.append(call)
        call.work.db.execute(text("INSERT INTO refusals SELECT * FROM refusals"))
        if len(attempts) <= lost:
            raise _conflict()
        return PlainTextResponse("done")

    assert _at(app, answer).status_code == status
    assert len(attempts) == min(lost, 3) + 1


def test_a_request_that_has_committed_something_is_not_repeated(app: Starlette) -> None:
    """A code that was redeemed must not be found redeemed by its own request: an outage is no verdict."""
    attempts: list[Call] = []

    def answer(call: Call) -> Response:
        attempts.append(call)
        with call.work.aside() as db:
            db.execute(text("DELETE FROM refusals"))
        raise _conflict()

    assert _at(app, answer).status_code == 503
    assert len(attempts) == 1


@pytest.mark.only_on("postgresql")
def test_a_serialization_failure_is_a_conflict(settings: Settings) -> None:
    """SQLSTATE 40001, from a real server."""
    database = open_database(settings)
    write = text("UPDATE alembic_version SET version_num = version_num")
    with database.connect() as one, database.connect() as other:
        other.exec_driver_sql("BEGIN ISOLATION LEVEL SERIALIZABLE")
        other.execute(text("SELECT * FROM alembic_version"))
        one.execute(write)
        with pytest.raises(TransactionConflict):
            other.execute(write)
        other.exec_driver_sql("ROLLBACK")
    database.close()
