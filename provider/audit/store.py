"""The append-only table of audit events."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Select,
    String,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    union_all,
)

from provider.database import partitions
from provider.database.base import metadata
from provider.database.dialect import TextExpression, is_postgresql, planned_for_values
from provider.database.prepared import Prepared
from provider.database.rows import columns_of, rows_of, values_of
from provider.database.types import Identifier, UtcTime

# On PostgreSQL, it has a partition for each month of `at`, and `at` in its primary key (migration 0039).
audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("name", String(64), nullable=False),
    Column("user_id", Identifier),  # no foreign key: what happened outlives the account it happened to
    Column("client_id", String(128)),
    Column("network", String(64), nullable=False),
    Column("user_agent", String(300), nullable=False),
    Column("request_id", String(32), nullable=False),
    Column("details", JSON, nullable=False),
    Index("ix_audit_events_at", "at"),
    Index("ix_audit_events_user_id_at", "user_id", "at"),
    Index("ix_audit_events_client_id_at", "client_id", "at"),
    Index("ix_audit_events_name_at", "name", "at"),
    Index("ix_audit_events_network_at", "network", "at"),
)
_OPERATOR = TextExpression(postgresql="(details ->> 'operator')", sqlite="json_extract(details, '$.operator')")
"""The operator of an event, in its details."""


def declare_index() -> None:
    """Add PostgreSQL's index of operators to the table. Its options load the dialect, for which commands would wait."""
    Index(
        "ix_audit_events_operator_at",
        _OPERATOR.postgresql,
        audit_events.c.at,
        postgresql_where=_OPERATOR.postgresql.is_not(None),
    ).ddl_if(dialect="postgresql")


@dataclass(frozen=True)
class AuditEvent:
    id: str
    at: datetime
    name: str
    user_id: str | None
    client_id: str | None
    network: str
    user_agent: str
    request_id: str
    details: dict[str, Any]


_EVENT = rows_of(AuditEvent, audit_events)
_APPEND = Prepared(insert(audit_events))


def append(db: Connection, *events: AuditEvent) -> None:
    if len(events) == 1:
        _APPEND.change(db, values_of(events[0]))
    else:
        db.execute(insert(audit_events), list(map(values_of, events)))


def find(
    db: Connection,
    *,
    user_id: str | None = None,
    client_id: str | None = None,
    names: Collection[str] | None = None,
    operator: str | None = None,
    network: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    newer_than: tuple[datetime, str] | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[AuditEvent]:
    """Return the matching events, latest first.

    `after` is `at` and `id` of the last event of the previous page; `newer_than` those of the latest that is known.
    `operator` is as in the details of events.
    """
    if names is not None and not names:
        return []
    wanted: list[ColumnElement[bool]] = []
    if user_id is not None:
        wanted.append(audit_events.c.user_id == user_id)
    if client_id is not None:
        wanted.append(audit_events.c.client_id == client_id)
    if operator is not None:
        wanted.append(_OPERATOR.on(db) == operator)
    if network is not None:
        wanted.append(audit_events.c.network == network)
    if newer_than is not None:
        at, event_id = newer_than
        later = or_(audit_events.c.at > at, and_(audit_events.c.at == at, audit_events.c.id > event_id))
        wanted += [audit_events.c.at >= at, later]
    if since is not None:
        wanted.append(audit_events.c.at >= since)
    if until is not None:
        wanted.append(audit_events.c.at < until)
    if after is not None:
        at, event_id = after
        same_moment = and_(audit_events.c.at == at, audit_events.c.id < event_id)
        wanted += [audit_events.c.at <= at, or_(audit_events.c.at < at, same_moment)]
    if names is None:
        query = _latest(audit_events, limit).where(*wanted)
    elif any(each is not None for each in (user_id, client_id, operator, network)):
        query = _latest(audit_events, limit).where(audit_events.c.name.in_(names), *wanted)
    else:
        query = _latest(_latest_of_each(db, names, wanted, limit), limit)
    with planned_for_values(db):  # of a user with many events and a rare kind, one plan for all would read every event
        return _EVENT.all(db, query)


def _latest_of_each(
    db: Connection, names: Collection[str], wanted: Collection[ColumnElement[bool]], limit: int
) -> FromClause:
    """Return the latest events of each of these names out of the index: a name may be in half of a table of millions.

    PostgreSQL plans the search in all months once, instead of once for each name. The name is given as a range and in
    the order, because then no index without it fits: by time alone, a rare name would be looked for in every event
    (decision 404).
    """
    if is_postgresql(db):
        unnested = func.unnest(bindparam("names", list(names), ARRAY(String)))
        each = unnested.table_valued("name", name="each").render_derived()
        of_name = audit_events.c.name.between(each.c.name, each.c.name)
        ordered = (
            select(*audit_events.c)
            .where(of_name, *wanted)
            .order_by(audit_events.c.name.desc(), audit_events.c.at.desc(), audit_events.c.id.desc())
        )
        latest = ordered.limit(limit).lateral()
        return select(latest).select_from(each).join(latest, true()).subquery()
    of_each = [_latest(audit_events, limit).where(audit_events.c.name == name, *wanted).subquery() for name in names]
    return union_all(*map(select, of_each)).subquery()


def _latest(source: FromClause, limit: int) -> Select[Any]:
    return select(*columns_of(AuditEvent, source)).order_by(source.c.at.desc(), source.c.id.desc()).limit(limit)


def find_clients(db: Connection, user_id: str, *, among: int = 1000) -> list[str]:
    """Return the client_ids in the latest events of this user, sorted."""
    latest = _latest(audit_events, among).where(audit_events.c.user_id == user_id).subquery()
    found = select(latest.c.client_id).distinct().where(latest.c.client_id.is_not(None))
    return list(db.scalars(found.order_by(latest.c.client_id)))


def has_happened(db: Connection, name: str, *, user_id: str, besides: Collection[str]) -> bool:
    """Return whether this event happened to this user, besides the events with these ids."""
    others = (audit_events.c.user_id == user_id, audit_events.c.name == name, audit_events.c.id.not_in(besides))
    return bool(db.scalar(select(exists().where(*others))))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` events older than `before`; return how many. On PostgreSQL, of whole months only."""
    is_old = audit_events.c.at < partitions.deletable_before(db, before)
    old = select(audit_events.c.id).where(is_old).limit(limit)
    return db.execute(delete(audit_events).where(is_old, audit_events.c.id.in_(old))).rowcount
