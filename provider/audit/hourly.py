"""Hourly counts of events, summed over all processes, for the operators' overview."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Connection, PrimaryKeyConstraint, String, Table, delete, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import UtcTime
from provider.observability import counters
from provider.work import Installation, unit_of_work

KEPT_FOR = timedelta(days=30)

hourly_counts = Table(
    "hourly_counts",
    metadata,
    Column("hour", UtcTime, nullable=False),
    Column("name", String(32), nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "name"),
)


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def flush(installation: Installation) -> None:
    """Save what this process counted since the last call, under the hour of writing."""
    counts = counters.take()
    if not counts:
        return
    try:
        with unit_of_work(installation) as work:
            for name, count in sorted(counts.items()):
                add(work.db, hour_of(work.now), name, count)
    except BaseException:
        counters.give_back(counts)
        raise


def add(db: Connection, hour: datetime, name: str, count: int) -> None:
    fresh = upsert(db, hourly_counts).values(hour=hour, name=name, count=count)
    db.execute(
        fresh.on_conflict_do_update(
            index_elements=["hour", "name"], set_={"count": hourly_counts.c.count + fresh.excluded.count}
        )
    )


def find(db: Connection, *, since: datetime) -> dict[tuple[datetime, str], int]:
    """Return the counts since then as {(hour, name): count}."""
    query = select(hourly_counts).where(hourly_counts.c.hour >= since)
    return {(hour, name): count for hour, name, count in db.execute(query)}


def purge(db: Connection, *, before: datetime, limit: int) -> int:  # noqa: ARG001  # an hour has a handful of names
    return db.execute(delete(hourly_counts).where(hourly_counts.c.hour < before)).rowcount
