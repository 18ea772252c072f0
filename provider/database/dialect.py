"""The differences between PostgreSQL and SQLite that stores need to know."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Dialect, String, Table, func, literal_column, select, text

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


class TextExpression:
    """A text that each database computes with SQL of its own. Both have an index by their own."""

    def __init__(self, *, postgresql: str, sqlite: str) -> None:
        self.postgresql: ColumnElement[str] = literal_column(postgresql, String)
        self.sqlite: ColumnElement[str] = literal_column(sqlite, String)

    def on(self, db: Connection) -> ColumnElement[str]:
        return self.postgresql if is_postgresql(db) else self.sqlite


def is_postgresql(db: Connection) -> bool:
    """Return whether this is PostgreSQL. Otherwise it is SQLite, where one transaction at a time writes."""
    return db.dialect.name == "postgresql"


def upsert(db: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return an insert with `on_conflict_do_nothing` and `on_conflict_do_update`, which are the same on both."""
    return upsert_for(db.dialect, table)


def upsert_for(dialect: Dialect, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return the same for a kind of database, for a prepared statement."""
    # The engine has loaded the module of its own dialect; the other one would make commands slow to start.
    if dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

        return insert(table)
    from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite  # noqa: PLC0415

    return insert_on_sqlite(table)


@contextmanager
def planned_for_values(db: Connection) -> Iterator[None]:
    """Let PostgreSQL plan each statement within this for its values. It plans a prepared statement once for all values,
    and then reads a whole table for a value that is much more or less frequent than the others.

    Planning costs about a millisecond, so this is for lists and searches.
    """
    if not is_postgresql(db):
        yield
        return
    driver: Any = db.connection.driver_connection
    kept, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = kept


def commit_before_flush(db: Connection) -> None:
    """Let this transaction end its locks before PostgreSQL has written the commit to the disk.

    If the server crashes within that fraction of a second, the transaction is undone as a whole. So this is for what
    is done again by itself, such as deleting what has expired (decision 403). SQLite ignores it.
    """
    if is_postgresql(db):
        db.exec_driver_sql("SET LOCAL synchronous_commit = off")


def queue_for(db: Connection, name: str) -> None:
    """Wait for the lock of this name, and hold it until this transaction ends.

    Changes by earlier holders are visible from here on. SQLite's write lock does the same for every name.
    """
    if is_postgresql(db):
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


def queue_for_all(db: Connection, names: Sequence[str]) -> None:
    """Wait for the locks of these names one after the other, and hold them until this transaction ends."""
    if is_postgresql(db) and names:
        each = "SELECT name FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS each(name, place) ORDER BY place"
        locks = f"SELECT pg_advisory_xact_lock(hashtext(name)) FROM ({each}) AS ordered"  # no input
        db.execute(text(locks), {"names": list(names)})
