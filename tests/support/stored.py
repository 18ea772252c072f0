"""Everything a database holds, to be compared with what it holds later."""

from collections.abc import Collection
from functools import cache

from sqlalchemy import Connection

from provider.tables import metadata


def stored(db: Connection, *, but: Collection[str]) -> dict[str, list[str]]:
    """Table -> its rows, as text, in order; `but` are tables that are not looked at. One statement where that is
    possible: tests ask twice each.
    """
    names = [name for name in _tables() if name not in but]
    if db.dialect.name != "postgresql":
        rows = db.connection.driver_connection.execute  # type: ignore[union-attr]  # no type is worth a hundred tables
        return {name: sorted(map(repr, rows(f"SELECT * FROM {name}"))) for name in names}
    found: dict[str, list[str]] = {name: [] for name in names}
    one = " UNION ALL ".join(f"SELECT '{name}', {name}::text FROM {name}" for name in names)
    for name, row in sorted(db.exec_driver_sql(one)):
        found[name].append(row)
    return found


@cache
def _tables() -> list[str]:
    """Return the names of all tables; SQLAlchemy sorts them anew, in 4 ms, whenever it is asked."""
    return [table.name for table in metadata.sorted_tables]
