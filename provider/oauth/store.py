"""The checks of rejected protocol requests, by error id. Values are shortened and contain no secrets."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, String, Table, delete, func, insert, or_, select

from provider.database import partitions
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import UtcTime

# On PostgreSQL, it has a partition for each month of `at`, and `at` in its primary key (migration 0039).
refusals = Table(
    "refusals",
    metadata,
    Column("error_id", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("endpoint", String(64), nullable=False),
    Column("client_id", String(128)),
    Column("network", String(64), nullable=False),
    Column("error", String(64), nullable=False),
    Column("description", String(400), nullable=False),
    Column("checks", JSON, nullable=False),
    Index("ix_refusals_at", "at"),
)


@dataclass(frozen=True)
class RefusalRow:
    error_id: str
    at: datetime
    endpoint: str
    client_id: str | None
    network: str
    error: str
    description: str
    checks: list[dict[str, Any]]
    """The members of each `checks.Check`, in the order of the checks."""


_REFUSAL = rows_of(RefusalRow, refusals)


def add(db: Connection, row: RefusalRow) -> None:
    db.execute(insert(refusals), values_of(row))


def find(db: Connection, error_id: str) -> RefusalRow | None:
    row = _REFUSAL.one(db, _REFUSAL.select().where(refusals.c.error_id == error_id))
    if row is None:
        return None
    # Releases before this one stored a text for `passed`.
    return replace(row, checks=[{**check, "passed": check["passed"] in (True, "True")} for check in row.checks])


def find_latest(
    db: Connection, *, since: datetime, client_id: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[RefusalRow]:
    """Return rejected requests, the latest first.

    `after` is `at` and the error id of the last one of the previous page.
    """
    at, error_id = refusals.c.at, refusals.c.error_id
    query = _REFUSAL.select().where(at > since)
    if client_id is not None:
        query = query.where(refusals.c.client_id == client_id)
    if after is not None:
        query = query.where(at <= after[0], or_(at < after[0], error_id < after[1]))
    return _REFUSAL.all(db, query.order_by(at.desc(), error_id.desc()).limit(limit))


def count(db: Connection, *, since: datetime, client_id: str, most: int) -> int:
    """Return how many requests of the client were rejected since then, up to `most`."""
    some = select(refusals.c.error_id).where(refusals.c.at > since, refusals.c.client_id == client_id).limit(most)
    return db.scalar(select(func.count()).select_from(some.subquery())) or 0


def remove(db: Connection, error_ids: Collection[str]) -> None:
    """Delete the rejected requests with these ids."""
    db.execute(delete(refusals).where(refusals.c.error_id.in_(error_ids)))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` rows older than `before`; return how many. On PostgreSQL, of whole months only."""
    is_old = refusals.c.at < partitions.deletable_before(db, before)
    old = select(refusals.c.error_id).where(is_old).limit(limit)
    return db.execute(delete(refusals).where(is_old, refusals.c.error_id.in_(old))).rowcount
