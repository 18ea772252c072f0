"""Which errors of a database are an outage: decided here once, by SQLSTATE on PostgreSQL and by result code on SQLite.

An outage is answered with 503, a lost race with another transaction is tried again, everything else is a bug (500).
Errors are recognized by what PEP 249 and psycopg promise of them, so that SQLite needs no driver of PostgreSQL.
"""

import sqlite3
from typing import Any

from sqlalchemy.exc import IntegrityError

OUTAGE_CLASSES = ("08", "53", "57", "58")
"""Classes of SQLSTATE: connection, out of resources, operator intervention (shutdown, statement_timeout), I/O."""
OUTAGE_STATES = {
    "25006",  # read_only_sql_transaction: a standby, or a primary that was set read-only
    "25P03",  # idle_in_transaction_session_timeout
    "25P04",  # transaction_timeout
    "40003",  # statement_completion_unknown: it may have happened, so it is not tried again
    "55P03",  # lock_not_available: lock_timeout
}
CONFLICT_CLASS = "40"
"""The class of transactions that were rolled back because of another one: serialization failures and deadlocks."""

SQLITE_OUTAGES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,  # the locks of the write-ahead log were not to be had
}
"""Primary result codes of SQLite. An extended code has its primary code in the lowest eight bits."""
SQLITE_DISK = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}
"""Those of them that come from the disk and stay until somebody repairs it."""

CONNECTION_OK = 0
"""The status of a usable connection, as libpq numbers it (`PQstatus`)."""


class DatabaseUnavailable(Exception):
    """The database is down, full, read-only, locked or too slow. `orig` is the driver's error, if there is one."""

    def __init__(self, message: str, orig: BaseException | None = None) -> None:
        super().__init__(message)
        self.orig = orig

    def __str__(self) -> str:
        state = getattr(self.orig, "sqlstate", None) or getattr(self.orig, "sqlite_errorname", None)
        return f"{self.args[0]} ({state})" if state else str(self.args[0])


class TransactionConflict(DatabaseUnavailable):
    """Another transaction came first, and this one was rolled back. The same work can be tried again."""


def outage_of(error: BaseException, *, connecting: bool = False) -> DatabaseUnavailable | None:
    """Return the outage that a driver's error means, or None for a bug.

    While `connecting` every error is an outage: no request is at fault for a password that was changed.
    """
    name = type(error).__name__
    if connecting:
        return DatabaseUnavailable(f"no connection: {name}", error)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return DatabaseUnavailable(name, error) if code in SQLITE_OUTAGES else None
    state = getattr(error, "sqlstate", None)
    if state is None:
        return DatabaseUnavailable(name, error) if is_connection_lost(error) else None
    if state in OUTAGE_STATES or state[:2] in OUTAGE_CLASSES:
        return DatabaseUnavailable(name, error)
    return TransactionConflict(name, error) if state[:2] == CONFLICT_CLASS else None


def is_connection_lost(error: BaseException) -> bool:
    """Return whether this error of psycopg leaves a connection that must not be used again."""
    connection: Any = getattr(error, "pgconn", None)
    if connection is not None:
        return bool(connection.status != CONNECTION_OK)
    without_state = getattr(error, "sqlstate", "") is None  # errors of other libraries have no such attribute
    return without_state and any(kind.__name__ == "OperationalError" for kind in type(error).__mro__)


def is_useless(error: BaseException) -> bool:
    """Return whether the pool must connect anew: the server said goodbye, or cannot write any more (a fail-over)."""
    state = getattr(error, "sqlstate", None) or ""
    return is_connection_lost(error) or state == "25006" or state[:3] in {"57P", "25P"} or state[:2] == "08"


def is_of_disk(error: BaseException | None) -> bool:
    """Return whether an error of SQLite, or of a file beside its database, says that the disk is full or read-only."""
    return isinstance(error, OSError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in SQLITE_DISK


def is_dangling(error: IntegrityError) -> bool:
    """Return whether the row that a new row refers to was deleted between our read and our write.

    This is a race, not a bug.
    """
    cause = error.orig
    return (
        getattr(cause, "sqlite_errorname", None) == "SQLITE_CONSTRAINT_FOREIGNKEY"
        or getattr(cause, "sqlstate", None) == "23503"
    )
