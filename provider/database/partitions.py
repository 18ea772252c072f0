"""Monthly partitions of tables that grow with time, on PostgreSQL. SQLite has plain tables.

Old months are dropped instead of deleted: that takes as long for a million rows as for one, and leaves nothing to clean
up. A row whose month has no partition is stored in the default one, so no insert fails for the lack of a partition.
The rows from before a table was partitioned are its first partition, which has no beginning.

A unique constraint of a partitioned table must include the time, so it would allow the same key at two times. That is
why what can be used once (codes, tokens, assertions, challenges) is not in partitions.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, column, exists, select, table, text

from provider.database.dialect import is_postgresql, queue_for
from provider.database.types import UtcTime

AHEAD = 4
"""How many months after the present one get a partition."""
LOCK_TIMEOUT = "50ms"
"""How long a statement waits for a lock. Requests that use the table wait behind it meanwhile."""

_PARTITION = re.compile(r"_(\d{4}_\d{2}|earlier|default)$")


@dataclass(frozen=True)
class Partition:
    """The rows from `begin` until `end`, normally one month. The first partition has no beginning."""

    name: str
    begin: datetime | None
    end: datetime

    def has(self, moment: datetime) -> bool:
        return (self.begin is None or self.begin <= moment) and moment < self.end


# The bounds are texts in the notation of the session, so the server reads them.
_PARTITIONS = text(r"""
    SELECT name,
      CAST(substring(bounds from 'FROM \(''([^'']+)''\)') AS timestamptz) AS "begin",
      CAST(substring(bounds from 'TO \(''([^'']+)''\)') AS timestamptz) AS "end"
    FROM (
      SELECT relname AS name, pg_get_expr(relpartbound, oid) AS bounds FROM pg_class
      WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST(CAST(:parent AS text) AS regclass))
    ) AS partitions
    WHERE bounds <> 'DEFAULT'
    ORDER BY 3
""").columns(column("name"), column("begin", UtcTime), column("end", UtcTime))


def is_partition(name: str) -> bool:
    """Return whether a table of this name is a partition of another one."""
    return _PARTITION.search(name) is not None


def first_of_month(moment: datetime, *, later: int = 0) -> datetime:
    """Return the beginning of the month of this moment, or of the month that is `later` months after it."""
    months = moment.year * 12 + moment.month - 1 + later
    return moment.replace(year=months // 12, month=months % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def deletable_before(db: Connection, before: datetime) -> datetime:
    """Return the time before which rows are deleted one by one, of those from before `before`.

    On PostgreSQL that is the beginning of the month, because the month itself will be dropped as a whole.
    """
    return first_of_month(before) if is_postgresql(db) else before


def find(db: Connection, name: str) -> list[Partition]:
    """Return the partitions of a table, the earliest first, without the default one. PostgreSQL only."""
    rows = db.execute(_PARTITIONS, {"parent": name})
    return [Partition(name=row.name, begin=row.begin, end=row.end) for row in rows]


def find_missing(db: Connection, name: str, *, now: datetime) -> list[datetime]:
    """Return the beginnings of the months without a partition, from the present one until AHEAD later."""
    known = find(db, name)
    months = [first_of_month(now, later=later) for later in range(AHEAD + 1)]
    return [month for month in months if not any(one.has(month) for one in known)]


def create(db: Connection, time: Column[datetime], month: datetime) -> bool:
    """Create the partition of this month. Returns False if there is one, or if the default partition has such rows.

    Those rows stay where they are. Neither reading nor writing the other partitions waits for this.
    """
    name, end = str(time.table), first_of_month(month, later=1)
    queue_for(db, f"partitions of {name}")
    default = table(f"{name}_default", column(time.name, UtcTime)).c[time.name]
    stranded = select(exists().where(default >= month, default < end))
    if any(one.has(month) for one in find(db, name)) or db.scalar(stranded):
        return False
    partition = f"{name}_{month:%Y_%m}"
    _limit_waiting(db)
    db.exec_driver_sql(f"CREATE TABLE {partition} (LIKE {name} INCLUDING DEFAULTS)")
    bounds = f"FROM ('{month.isoformat()}') TO ('{end.isoformat()}')"
    db.exec_driver_sql(f"ALTER TABLE {name} ATTACH PARTITION {partition} FOR VALUES {bounds}")
    return True


def drop(
    db: Connection, time: Column[datetime], partition: Partition, needed: ColumnElement[bool] | None = None
) -> bool:
    """Drop the partition with its rows. Returns False if one of them is `needed`, or if it was dropped before.

    Others who use the table wait from its lock until the commit, so what can be checked before the lock is.
    """
    name = str(time.table)
    queue_for(db, f"partitions of {name}")
    if partition not in find(db, name):
        return False
    if needed is not None:
        begun = [] if partition.begin is None else [time >= partition.begin]
        is_needed = select(exists().where(*begun, time < partition.end, needed))
        if db.scalar(is_needed):
            return False
        _limit_waiting(db)
        db.exec_driver_sql(f"LOCK TABLE ONLY {name} IN ACCESS EXCLUSIVE MODE")
        if db.scalar(is_needed):
            return False
    _limit_waiting(db)
    # It locks both. A node of the previous release queues for that lock only, and may have dropped the partition.
    db.exec_driver_sql(f"DROP TABLE IF EXISTS {partition.name}")
    return True


def _limit_waiting(db: Connection) -> None:
    db.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
