"""How many rows a large table has, as PostgreSQL last counted them."""

from sqlalchemy import BigInteger, Connection, FromClause, cast, column, func, select, table

from provider.database.dialect import is_postgresql

_tables = table("pg_class", column("oid"), column("reltuples"))


def estimate_rows(db: Connection, counted: FromClause) -> int:
    """Return about how many rows the table has, or 0 where that is unknown."""
    if not is_postgresql(db):
        return 0
    oid = func.to_regclass(getattr(counted, "name", ""))
    return max(0, db.scalar(select(cast(_tables.c.reltuples, BigInteger)).where(_tables.c.oid == oid)) or 0)
