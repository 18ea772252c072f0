"""The engine, its pool, and the two ways to write: behind one lock on SQLite, directly on PostgreSQL.

Connections are in autocommit mode, so a read is one round trip and holds nothing. A write transaction is begun and
ended by `Database.begin` and `Database.end`, which only `work` calls.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from provider.config.settings import Settings
from provider.database import outages
from provider.database.circuit import Circuit
from provider.database.idle import IdleConnections
from provider.database.outages import DatabaseUnavailable, is_of_disk
from provider.database.write_lock import WriteLock

_JSON = json.JSONDecoder()
OUTAGES = (DatabaseUnavailable, PoolTimeout)
"""Errors of a database that is down, locked, full or too slow: an outage, answered with 503."""


class Database:
    """One engine and the way to write through it."""

    def __init__(self, engine: Engine, patience: float, circuit: Circuit | None = None) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._circuit = circuit
        self._write_lock = WriteLock(_lock_file(engine), patience) if self.is_sqlite else None
        self._idle = IdleConnections(engine.connect)
        self._disk_failed = False
        """Whether SQLite could not use its disk, and no write has succeeded since."""
        self._changes_before = 0
        """How many rows the connection of SQLite's write transaction had changed before it began."""
        event.listen(engine, "handle_error", self._after_error)
        self.on_connect: Callable[[Connection], None] | None = None
        """Called with each connection that is taken, before it is used."""

    def connect(self) -> Connection:
        """Take a connection. Raises one of OUTAGES, immediately while the database is silent.

        Close it afterwards, or `give_back` it.
        """
        if self._circuit is not None:
            self._circuit.require_closed()
        connection = self._idle.take()
        if self.on_connect is not None:
            try:
                self.on_connect(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next `connect`, unless it is useless or a transaction is still open in it."""
        if not connection.invalidated:
            driver: Any = connection.connection.dbapi_connection
            if not driver.in_transaction:
                connection.rollback()  # ends what SQLAlchemy takes for a transaction, also in autocommit mode
                self._idle.give_back(connection)
                return
        connection.close()

    @property
    def in_use(self) -> int:
        """How many connections are taken."""
        pool: Any = self.engine.pool
        return int(pool.checkedout()) - len(self._idle)

    def begin(self, connection: Connection) -> None:
        """Begin a write transaction. The caller must call `end`."""
        if self._write_lock is None:
            driver: Any = connection.connection.dbapi_connection
            connection.exec_driver_sql(driver.begin)
            return
        try:
            self._write_lock.acquire()
        except DatabaseUnavailable as error:
            self._note(error.orig)
            raise
        try:
            self._on_sqlite(connection, "BEGIN IMMEDIATE")
            self._changes_before = _changes(connection)
        except BaseException:
            self._write_lock.release()
            raise

    def end(self, connection: Connection, *, commit: bool) -> None:
        """End the write transaction. With `commit` false, its changes are rolled back."""
        statement = "COMMIT" if commit else "ROLLBACK"
        try:
            if self.is_sqlite:
                self._on_sqlite(connection, statement)
                if self._disk_failed and commit:  # one that changed nothing wrote nothing
                    self._disk_failed = _changes(connection) == self._changes_before
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

    def require_usable(self) -> None:
        """Raise one of OUTAGES if the database cannot be used: it is down, or it is known that it cannot be written.

        PostgreSQL says whether it is read-only. SQLite tries a small write if the disk failed since the last one.
        """
        with self.connect() as connection:
            if not self.is_sqlite:
                if connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on":
                    raise DatabaseUnavailable("the database is read-only")
            elif self._disk_failed:
                self._try_to_write(connection)
            else:
                connection.exec_driver_sql("SELECT 1")

    def _try_to_write(self, connection: Connection) -> None:
        self.begin(connection)
        done = False
        try:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")
            done = True
        finally:
            self.end(connection, commit=done)

    def close(self) -> None:
        if self._circuit is not None:
            self._circuit.stop()
        self.disconnect()
        if self._write_lock is not None:
            self._write_lock.close()

    def disconnect(self) -> None:
        """Close every connection that is not in use. The next ones are opened anew."""
        self._idle.close_all()
        self.engine.dispose()

    def _after_error(self, context: ExceptionContext) -> None:
        self._note(context.original_exception)
        if context.is_disconnect:  # the pool opens all of its connections anew, so it needs them
            self._idle.close_all()

    def _note(self, error: BaseException | None) -> None:
        if self.is_sqlite and is_of_disk(error):
            self._disk_failed = True

    def _on_sqlite(self, connection: Connection, statement: str) -> None:
        """Run a statement on the driver's connection, since SQLAlchemy's execution costs several times as much.

        Raises DatabaseUnavailable, or the driver's error if it is a bug.
        """
        driver: Any = connection.connection.dbapi_connection
        try:
            driver.execute(statement)
        except sqlite3.Error as error:
            self._note(error)
            raise (outages.outage_of(error) or error) from error


def _changes(connection: Connection) -> int:
    driver: Any = connection.connection.dbapi_connection
    return int(driver.total_changes)


def _lock_file(engine: Engine) -> Path | None:
    """Return the lock file beside the database file. A database in memory has none: no other process uses it."""
    name = engine.url.database
    return None if not name or name == ":memory:" else Path(f"{name}-lock")


def pool_size(settings: Settings) -> int:
    """Return how many connections a process opens at most."""
    threads = settings.worker_threads + settings.password_threads + settings.outbound_threads
    # Deliveries and the timetable hold one for moments. The event loop uses those that the threads do not.
    return threads + 4 + (settings.metrics_address is not None)


def open_database(settings: Settings, *, url: str | None = None) -> Database:
    """Return the database for these settings, or the one at `url`. Nothing connects before the first use."""
    return _open(make_url(url or settings.database_url), settings)


def _open(url: URL, settings: Settings) -> Database:
    options: dict[str, Any] = {
        "isolation_level": "AUTOCOMMIT",
        "pool_size": pool_size(settings),
        "max_overflow": 0,
        "pool_use_lifo": True,  # few connections do most of the work: those that only a burst needed keep small caches
        "pool_timeout": settings.database_timeout,
        "json_deserializer": _read_json,
        "hide_parameters": True,  # an error text must not carry a digest or an address into the log
    }
    if url.get_backend_name() == "sqlite":
        connect_args: dict[str, Any] = {"timeout": settings.database_timeout, "check_same_thread": False}
        engine = create_engine(url, connect_args=connect_args, **options)
        event.listen(engine, "connect", _sqlite_pragmas(settings.sqlite_synchronous))
        event.listen(engine, "handle_error", _as_outage, retval=True)
        return Database(engine, settings.database_timeout)
    return _open_postgresql(url, settings.database_timeout, options)


def _open_postgresql(url: URL, timeout: float, options: dict[str, Any]) -> Database:
    from provider.database.postgresql import Connector  # noqa: PLC0415  # loads psycopg, which SQLite does not need

    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    connect_args: dict[str, Any] = {
        "connect_timeout": max(2, round(timeout)),
        "tcp_user_timeout": int(timeout * 2000),
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "application_name": "signet",
    }

    def parameters() -> dict[str, Any]:
        return connect_args | dict(engine.dialect.create_connect_args(url)[1])

    circuit = Circuit(lambda: connector.connect_patiently(**parameters()).close())
    connector = Connector(timeout, on_silence=circuit.open)
    engine = create_engine(url, creator=lambda: connector.connect(**parameters()), **options)
    event.listen(engine, "handle_error", _as_outage, retval=True)
    return Database(engine, timeout, circuit)


def _read_json(text: str | bytes) -> Any:
    """Return the value of a JSON column. `json.loads` takes three times as long, mostly to guess the encoding."""
    value, _ = _JSON.raw_decode(text if isinstance(text, str) else text.decode())
    return value


def _as_outage(context: ExceptionContext) -> Exception | None:
    error = context.original_exception
    if outages.is_useless(error):
        context.is_disconnect = True
    return outages.outage_of(error, connecting=context.connection is None)


def _sqlite_pragmas(synchronous: str) -> Any:
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return prepare
