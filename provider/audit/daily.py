"""Daily counts for the overview, kept for 13 months: summed up from the hourly ones, or counted once a day."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    PrimaryKeyConstraint,
    SelectBase,
    String,
    Table,
    and_,
    func,
    literal,
    or_,
    select,
)

from provider.audit.active_users import day_of
from provider.audit.hourly import KEPT_FOR as HOURS_KEPT_FOR
from provider.audit.hourly import hourly_app_counts, hourly_app_tokens, hourly_counts
from provider.database.base import metadata
from provider.database.deleting import delete_some
from provider.database.dialect import queue_for, upsert
from provider.database.types import UtcTime
from provider.observability.counters import APP, APP_GRANT
from provider.work import UnitOfWork

KEPT_FOR = timedelta(days=400)
APPS_KEPT_FOR = timedelta(days=70)
"""How long the days of an app are kept: two whole months, and a few days. Its months are kept for KEPT_FOR."""
MONTH = "month:"
"""The beginning of the names for sums of a month, which are stored under its first day."""
DAY = timedelta(days=1)

# Compared character by character, whatever the language of the database: the names of apps are a range.
NAME = String(160).with_variant(String(160, collation="C"), "postgresql")
NEW_USERS, TOTAL_USERS, TWO_FACTOR_USERS = "users.new", "users.total", "users.two_factor"
ACTIVE_IN = {"users.active_7": 7, "users.active_30": 30, "users.active_365": 365}
"""The names for the users who were active in the last days, with the number of days. They are counted once an hour."""
SUMMED_UP = "summed_up"
"""The name of a mark on each day on which the hourly counts were summed up."""

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("name", NAME, nullable=False),
    Column("day", UtcTime, nullable=False, index=True),  # its midnight, UTC
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "day"),  # in this order: a year of a few names is found among those of all apps
)


def roll_up(work: UnitOfWork) -> None:
    """Sum up the hourly counts of each day since the last one that was summed up, which may have grown, and the day
    before that.

    It can be repeated, and interrupted: a sum replaces the previous one, and is never smaller. So what is written to
    the hourly counts meanwhile is in the next sum, and what was deleted there stays in the daily ones.
    """
    queue_for(work.db, daily_counts.name)
    today = day_of(work.now)
    day, last = today - HOURS_KEPT_FOR, find_last(work.db, SUMMED_UP)
    if last is not None:
        day = max(day, last[0] - DAY)
    first = day
    while day <= today:
        _sum_up(work.db, hourly_counts, hourly_counts.c.name, day)
        _sum_up(work.db, hourly_app_counts, literal(APP) + hourly_app_counts.c.client_id, day)
        tokens = hourly_app_tokens.c
        _sum_up(
            work.db, hourly_app_tokens, literal(APP_GRANT) + tokens.grant_type + literal(":") + tokens.client_id, day
        )
        day += DAY
    for month in _months(first, today + DAY):
        _sum_up_month(work.db, month)
    put(work.db, SUMMED_UP, today, 1)


def _sum_up(db: Connection, hourly: Table, name: ColumnElement[str], day: datetime) -> None:
    of_day = (hourly.c.hour >= day, hourly.c.hour < day + DAY)
    _raise(db, select(name, literal(day, UtcTime), func.sum(hourly.c.count)).where(*of_day).group_by(name))


def _sum_up_month(db: Connection, month: datetime) -> None:
    table = daily_counts.alias()
    name, of_month = literal(MONTH) + table.c.name, (table.c.day >= month, table.c.day < _after(month))
    of_apps = (table.c.name >= APP, table.c.name < APP[:-1] + chr(ord(APP[-1]) + 1))
    sums = select(name, literal(month, UtcTime), func.sum(table.c.count)).where(*of_apps, *of_month)
    _raise(db, sums.group_by(table.c.name))


def _raise(db: Connection, sums: SelectBase) -> None:
    """Store the sums that are new, or larger than what is stored."""
    fresh = upsert(db, daily_counts).from_select(["name", "day", "count"], sums)
    db.execute(
        fresh.on_conflict_do_update(
            index_elements=["name", "day"],
            set_={"count": fresh.excluded.count},
            where=daily_counts.c.count < fresh.excluded.count,
        )
    )


def put(db: Connection, name: str, day: datetime, count: int) -> None:
    """Store a count of this day, instead of the one that was stored before."""
    fresh = upsert(db, daily_counts).values(name=name, day=day, count=count)
    db.execute(fresh.on_conflict_do_update(index_elements=["name", "day"], set_={"count": fresh.excluded.count}))


def find(db: Connection, names: Collection[str], *, since: datetime) -> dict[tuple[datetime, str], int]:
    """Return the counts of these names since then as {(day, name): count}."""
    query = select(daily_counts).where(daily_counts.c.name.in_(names), daily_counts.c.day >= since)
    return {(day, name): count for name, day, count in db.execute(query)}


def find_last(db: Connection, name: str) -> tuple[datetime, int] | None:
    """Return the last day that has this count, and the count."""
    query = select(daily_counts.c.day, daily_counts.c.count).where(daily_counts.c.name == name)
    row = db.execute(query.order_by(daily_counts.c.day.desc()).limit(1)).one_or_none()
    return None if row is None else (row[0], row[1])


def sum_by_app(db: Connection, *, since: datetime, until: datetime, limit: int) -> list[tuple[str, int]]:
    """Return the apps with the most sign-ins from one day up to, but not including, another, as (client_id, count).

    Whole months are read from their sums, so a year costs little more than a month.
    """
    months = [month for month in _months(since, until) if since <= month and _after(month) <= until]
    spans = [(APP, since, until)]
    if months:
        spans = [
            (APP, since, months[0]),
            (MONTH + APP, months[0], _after(months[-1])),
            (APP, _after(months[-1]), until),
        ]
    found = Counter[str]()
    for prefix, start, end in spans:
        rows = (*_begins_with(prefix), daily_counts.c.day >= start, daily_counts.c.day < end)
        name = daily_counts.c.name
        for app, count in db.execute(select(name, func.sum(daily_counts.c.count)).where(*rows).group_by(name)):
            found[app.removeprefix(prefix)] += int(count)
    return found.most_common(limit)


def _begins_with(prefix: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return daily_counts.c.name >= prefix, daily_counts.c.name < prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _months(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the first day of each month that has a day in this time."""
    month = since.replace(day=1)
    while month < until:
        yield month
        month = _after(month)


def _after(month: datetime) -> datetime:
    """Return the first day of the next month."""
    return (month + 31 * DAY).replace(day=1)


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` counts of days before `before`, and those by app, which the sums of months keep, earlier.

    Returns how many.
    """
    day, of_apps = daily_counts.c.day, or_(and_(*_begins_with(APP)), and_(*_begins_with(APP_GRANT)))
    old = (day < before + KEPT_FOR - APPS_KEPT_FOR, or_(day < before, of_apps))
    return delete_some(db, daily_counts, *old, by=daily_counts.c.day, limit=limit)
