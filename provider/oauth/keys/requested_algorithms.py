"""The algorithms of `ON_REQUEST` that clients are registered for, whose keys are published."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, select

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.prepared import Prepared
from provider.database.types import UtcTime

requested_algorithms = Table(
    "requested_algorithms",
    metadata,
    Column("alg", String(16), primary_key=True),
    Column("requested_at", UtcTime, nullable=False),  # when a client was first registered for it
)


def add(db: Connection, algorithms: Collection[str], *, now: datetime) -> None:
    """Note that clients are registered for these algorithms of `ON_REQUEST`."""
    rows = [{"alg": alg, "requested_at": now} for alg in sorted(algorithms)]
    if rows:
        db.execute(upsert(db, requested_algorithms).on_conflict_do_nothing(), rows)


_ALL = Prepared(select(requested_algorithms.c.alg), (requested_algorithms.c.alg,))


def find_all(db: Connection) -> frozenset[str]:
    return frozenset(alg for (alg,) in _ALL.rows(db, {}))
