"""The engine, its pool, and the two ways to write: behind one lock on SQLite, directly on PostgreSQL.

Connections are in autocommit mode, so a read is one round trip and holds nothing. A write transaction is begun and
ended by `Database.begin` and `Database.end`, which only `work` calls.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from provider.config.settings import Settings
from provider.database.write_lock import WriteLock

OUTAGES = (OperationalError, InterfaceError, PoolTimeout)
"""Errors of a database that is down, locked, full or too slow: an outage, answered with 503."""


def is_dangling(error: IntegrityError) -> bool:
    """Return whether the row that a new row refers to was deleted between our read and our write.

    This is a race, not a bug.
    """
    cause = error.orig
    return (
        getattr(cause, "sqlite_errorname", None) == "SQLITE_CONSTRAINT_FOREIGNKEY"
        or getattr(cause, "sqlstate", None) == "23503"
    )


class Database:
    """One engine and the way to write through it."""

    def __init__(self, engine: Engine, patience: float) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._write_lock = WriteLock(_lock_file(engine), patience) if self.is_sqlite else None

    def begin(self, connection: Connection) -> None:
        """Begin a write transaction. The caller must call `end`."""
        if self._write_lock is None:
            connection.exec_driver_sql("BEGIN")
            return
        self._write_lock.acquire()
        try:
            _on_sqlite(connection, "BEGIN IMMEDIATE")
        except BaseException:
            self._write_lock.release()
            raise

    def end(self, connection: Connection, *, commit: bool) -> None:
        """End the write transaction. With `commit` false, its changes are rolled back."""
        statement = "COMMIT" if commit else "ROLLBACK"
        try:
            if self.is_sqlite:
                _on_sqlite(connection, statement)
            else:
                connection.exec_driver_sql(statement)
        except BaseException:
            # The connection is in an unknown state: throw it away, and with it whatever it still held.
            connection.invalidate()
            if commit:
                raise
        finally:
            if self._write_lock is not None:
                self._write_lock.release()

    def close(self) -> None:
        self.engine.dispose()
        if self._write_lock is not None:
            self._write_lock.close()


def _on_sqlite(connection: Connection, statement: str) -> None:
    """Run a statement on the driver's connection, since SQLAlchemy's execution costs several times as much.

    Raises OperationalError, as SQLAlchemy would.
    """
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error


def _lock_file(engine: Engine) -> Path | None:
    """Return the lock file beside the database file. A database in memory has none: no other process uses it."""
    name = engine.url.database
    return None if not name or name == ":memory:" else Path(f"{name}-lock")


def open_database(settings: Settings) -> Database:
    """Return the database for these settings. Nothing connects before the first use."""
    url = make_url(settings.database_url)
    threads = settings.worker_threads + settings.password_threads + settings.outbound_threads
    size = threads + 3 + (settings.metrics_address is not None)  # deliveries and the timetable hold one for moments
    options: dict[str, Any] = {
        "isolation_level": "AUTOCOMMIT",
        "pool_size": size,
        "max_overflow": 0,
        "pool_timeout": settings.database_timeout,
        "hide_parameters": True,  # an error text must not carry a digest or an address into the log
    }
    if url.get_backend_name() == "sqlite":
        connect_args: dict[str, Any] = {"timeout": settings.database_timeout, "check_same_thread": False}
        engine = create_engine(url, connect_args=connect_args, **options)
        event.listen(engine, "connect", _sqlite_pragmas(settings.sqlite_synchronous))
    else:
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        milliseconds = int(settings.database_timeout * 1000)
        connect_args = {
            "connect_timeout": max(2, round(settings.database_timeout)),
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c timezone=UTC",
            "application_name": "signet",
        }
        engine = create_engine(url, connect_args=connect_args, pool_use_lifo=True, **options)
        event.listen(engine, "handle_error", _drop_broken_connections)
    return Database(engine, settings.database_timeout)


def _sqlite_pragmas(synchronous: str) -> Any:
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return prepare


def _drop_broken_connections(context: Any) -> None:
    # psycopg reports a server that went away in several ways; each leaves a connection that must not be pooled again.
    connection = getattr(context.original_exception, "pgconn", None)
    broken = connection is not None and connection.status != 0
    if broken or (
        isinstance(context.sqlalchemy_exception, DBAPIError) and "terminat" in str(context.original_exception)
    ):
        context.is_disconnect = True
