"""The differences between PostgreSQL and SQLite that stores need to know."""

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite


def is_postgresql(db: Connection) -> bool:
    """Return whether this is PostgreSQL. Otherwise it is SQLite, where one transaction at a time writes."""
    return db.dialect.name == "postgresql"


def upsert(db: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert with `on_conflict_do_nothing` and `on_conflict_do_update`, which are the same on both."""
    return postgresql.insert(table) if is_postgresql(db) else sqlite.insert(table)


def queue_for(db: Connection, name: str) -> None:
    """Wait for the lock of this name, and hold it until this transaction ends.

    Changes by earlier holders are visible from here on. SQLite's write lock does the same for every name.
    """
    if is_postgresql(db):
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
