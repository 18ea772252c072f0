"""Deleting a limited number of rows from a table whose key has several columns."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, select, tuple_


def delete_some(db: Connection, table: Table, *wanted: ColumnElement[bool], by: Column[Any], limit: int) -> int:
    """Delete up to `limit` of the rows that fulfil all conditions, those with the least `by`, which has an index.

    Returns how many.
    """
    key = list(table.primary_key.columns)
    some = select(*key).where(*wanted).order_by(by).limit(limit)
    return db.execute(delete(table).where(tuple_(*key).in_(some))).rowcount
