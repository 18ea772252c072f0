"""Deleting a limited number of rows from a table whose key has several columns."""

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_


def delete_some(db: Connection, table: Table, *wanted: ColumnElement[bool], limit: int) -> int:
    """Delete up to `limit` of the rows that fulfil all conditions; return how many."""
    key = list(table.primary_key.columns)
    some = select(*key).where(*wanted).limit(limit)
    return db.execute(delete(table).where(tuple_(*key).in_(some))).rowcount
