"""How many rows a large table has, as PostgreSQL last counted them."""

from sqlalchemy import BigInteger, Connection, FromClause, cast, column, func, or_, select, table

from provider.database.dialect import is_postgresql

_tables = table("pg_class", column("oid"), column("relkind"), column("reltuples")).c
_partitions = table("pg_inherits", column("inhrelid"), column("inhparent")).c


def estimate_rows(db: Connection, counted: FromClause) -> int:
    """Return about how many rows the table has, with its partitions, or 0 where that is unknown."""
    if not is_postgresql(db):
        return 0
    oid = func.to_regclass(getattr(counted, "name", ""))
    its_partitions = select(_partitions.inhrelid).where(_partitions.inhparent == oid)
    with_rows = (
        _tables.relkind == "r",
        _tables.reltuples > 0,
        or_(_tables.oid == oid, _tables.oid.in_(its_partitions)),
    )
    return db.scalar(select(cast(func.sum(_tables.reltuples), BigInteger)).where(*with_rows)) or 0
