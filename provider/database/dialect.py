"""What PostgreSQL and SQLite do differently, and a store needs to know."""

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite


def is_postgresql(db: Connection) -> bool:
    """Is this PostgreSQL? If not, it is SQLite, where one transaction at a time writes."""
    return db.dialect.name == "postgresql"


def upsert(db: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert with `on_conflict_do_nothing` and `on_conflict_do_update`, which are the same on both."""
    return postgresql.insert(table) if is_postgresql(db) else sqlite.insert(table)


def queue_for(db: Connection, name: str) -> None:
    """Wait until no other transaction has queued for this name, and keep it until this transaction ends.

    What the transaction before did is visible from here on. SQLite's write lock does the same for every name.
    """
    if is_postgresql(db):
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
