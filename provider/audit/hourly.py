"""Hourly counts of events, summed over all processes, for the operators' overview."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Connection, PrimaryKeyConstraint, String, Table, func, select

from provider.audit import active_users
from provider.database.base import metadata
from provider.database.deleting import delete_some
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
hourly_app_counts = Table(  # apart: a client_id does not fit into a name above
    "hourly_app_counts",
    metadata,
    Column("hour", UtcTime, nullable=False),
    Column("client_id", String(128), nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "client_id"),
)
hourly_app_tokens = Table(
    "hourly_app_tokens",
    metadata,
    Column("hour", UtcTime, nullable=False),
    Column("client_id", String(128), nullable=False),
    Column("grant_type", String(32), nullable=False),  # as in the names of counters
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "client_id", "grant_type"),
)
hourly_key_uses = Table(
    "hourly_key_uses",
    metadata,
    Column("hour", UtcTime, nullable=False),
    Column("kid", String(64), nullable=False),  # of the stored key pair
    Column("use", String(24), nullable=False),  # one of `oauth.keys.uses.Use`
    Column("source", String(128), nullable=False),  # the client_id, or the network and program of a request
    Column("count", BigInteger, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),  # when it was saved, up to a minute later
    PrimaryKeyConstraint("hour", "kid", "use", "source"),
)


@dataclass(frozen=True)
class KeyUse:
    """The uses of a signing key of one kind by one client, or from one network."""

    kid: str
    use: str
    source: str
    count: int
    last_used_at: datetime


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def flush(installation: Installation) -> None:
    """Save what this process counted since the last call, under the hour of writing."""
    counts, active = counters.take(), counters.take_active()
    if not counts and not active:
        return
    try:
        with unit_of_work(installation) as work:
            found = dict(counts)
            if first := active_users.mark(work, active):
                found[counters.ACTIVE_USERS] = first
            for name, count in sorted(found.items()):
                if name.startswith(counters.KEY_USE):
                    add_key_use(work.db, work.now, name, count)
                else:
                    add(work.db, hour_of(work.now), name, count)
    except BaseException:
        counters.give_back(counts, active)
        raise


def add(db: Connection, hour: datetime, name: str, count: int) -> None:
    """Add to the count of this name, which is one of `counters`."""
    if name.startswith(counters.APP):
        table, key = hourly_app_counts, {"client_id": name.removeprefix(counters.APP)}
    elif name.startswith(counters.APP_GRANT):
        grant_type, _, client_id = name.removeprefix(counters.APP_GRANT).partition(":")
        table, key = hourly_app_tokens, {"client_id": client_id, "grant_type": grant_type}
    else:
        table, key = hourly_counts, {"name": name}
    fresh = upsert(db, table).values(hour=hour, count=count, **key)
    db.execute(
        fresh.on_conflict_do_update(index_elements=["hour", *key], set_={"count": table.c.count + fresh.excluded.count})
    )


def add_key_use(db: Connection, now: datetime, name: str, count: int) -> None:
    """Add to the uses of a signing key, as `counters.use_of_key` names them."""
    kid, use, source = name.removeprefix(counters.KEY_USE).split(":", 2)
    table, key = hourly_key_uses, {"hour": hour_of(now), "kid": kid, "use": use, "source": source[:128]}
    fresh = upsert(db, table).values(count=count, last_used_at=now, **key)
    changed = {"count": table.c.count + fresh.excluded.count, "last_used_at": fresh.excluded.last_used_at}
    db.execute(fresh.on_conflict_do_update(index_elements=list(key), set_=changed))


def find_key_uses(db: Connection, *, since: datetime) -> list[KeyUse]:
    """Return the uses of signing keys since the beginning of that hour, the latest first."""
    table, last = hourly_key_uses.c, func.max(hourly_key_uses.c.last_used_at).label("last_used_at")
    query = (
        select(table.kid, table.use, table.source, func.sum(table.count), last)
        .where(table.hour >= hour_of(since))
        .group_by(table.kid, table.use, table.source)
        .order_by(last.desc(), table.source)
    )
    return [KeyUse(kid, use, source, int(count), at) for kid, use, source, count, at in db.execute(query)]


def find(db: Connection, *, since: datetime) -> dict[tuple[datetime, str], int]:
    """Return the counts since then as {(hour, name): count}, without those by app."""
    query = select(hourly_counts).where(hourly_counts.c.hour >= since)
    return {(hour, name): count for hour, name, count in db.execute(query)}


def find_of_app(db: Connection, client_id: str, *, since: datetime) -> dict[datetime, int]:
    """Return the sign-ins of one app since then, by the hour."""
    table = hourly_app_counts
    query = select(table.c.hour, table.c.count).where(table.c.client_id == client_id, table.c.hour >= since)
    return {hour: int(number) for hour, number in db.execute(query)}


def find_tokens_of_app(db: Connection, client_id: str, *, since: datetime) -> dict[tuple[datetime, str], int]:
    """Return the tokens issued to one app since then as {(hour, grant type): count}."""
    table = hourly_app_tokens
    query = select(table.c.hour, table.c.grant_type, table.c.count)
    rows = db.execute(query.where(table.c.client_id == client_id, table.c.hour >= since))
    return {(hour, grant_type): int(number) for hour, grant_type, number in rows}


def sum_by_app(db: Connection, *, since: datetime, limit: int) -> list[tuple[str, int]]:
    """Return the apps with the most sign-ins since then, as (client_id, count), and how many."""
    table, total = hourly_app_counts, func.sum(hourly_app_counts.c.count)
    query = select(table.c.client_id, total).where(table.c.hour >= since).group_by(table.c.client_id)
    return [
        (app, int(count)) for app, count in db.execute(query.order_by(total.desc(), table.c.client_id).limit(limit))
    ]


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` counts of hours before `before`; return how many. An hour has one for each application."""
    count = 0
    for table in (hourly_counts, hourly_app_counts, hourly_app_tokens, hourly_key_uses):
        if count < limit:
            count += delete_some(db, table, table.c.hour < before, by=table.c.hour, limit=limit - count)
    return count
