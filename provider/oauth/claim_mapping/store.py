"""The claim mappings that operators declared, and the attributes that each reads."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    TypeDecorator,
    delete,
    func,
    insert,
    select,
    update,
)

from provider.database import dialect
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import UtcTime

LONGEST_NAME, LONGEST_CLAIM, LONGEST_SCOPE, LONGEST_PREFIX = 64, 200, 100, 200

# In one order on every database.
_Name = String(LONGEST_NAME).with_variant(String(LONGEST_NAME, collation="C"), "postgresql")


class _AnyJson(TypeDecorator[Any]):
    """Any JSON value as text: SQLite would take a number in a JSON column for one of its own."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


claim_mappings = Table(
    "claim_mappings",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("claim", String(LONGEST_CLAIM), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE")),  # NULL: of every client
    Column("scope", String(LONGEST_SCOPE)),  # NULL: with any scope
    Column("places", JSON, nullable=False),
    Column("source", String(16), nullable=False),
    Column("attribute", String(LONGEST_NAME)),
    Column("value", _AnyJson),
    Column("expression", String(1000)),
    Column("prefix", String(LONGEST_PREFIX), nullable=False),
    Column("strip_prefix", Boolean, nullable=False),
    Column("only", JSON(none_as_null=True)),  # name to what is written; NULL: all names as they are
    Column("format", String(8), nullable=False),
    Column("description", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("ix_claim_mappings_client_id", "client_id"),
)
claim_mapping_attributes = Table(
    "claim_mapping_attributes",
    metadata,
    Column("attribute", _Name, primary_key=True),
    Column("mapping", _Name, ForeignKey("claim_mappings.name", ondelete="CASCADE"), primary_key=True),
    Index("ix_claim_mapping_attributes_mapping", "mapping"),
)
"""The attributes that mappings read, by name. Only these are read with a user."""


@dataclass(frozen=True)
class ClaimMapping:
    """A mapping as it is declared (`declarations.Declaration`)."""

    name: str
    claim: str
    client_id: str | None
    scope: str | None
    places: list[str]
    source: str
    attribute: str | None
    value: Any
    expression: str | None
    prefix: str
    strip_prefix: bool
    only: dict[str, str] | None
    format: str
    description: dict[str, str]
    created_at: datetime
    updated_at: datetime


_MAPPING = rows_of(ClaimMapping, claim_mappings)
_columns = claim_mappings.c
_ALL = _MAPPING.prepare(_MAPPING.select().order_by(_columns.name))


def find(db: Connection, name: str) -> ClaimMapping | None:
    return _MAPPING.one(db, _MAPPING.select().where(_columns.name == name))


def find_all(db: Connection) -> list[ClaimMapping]:
    """Return all mappings, ordered by name."""
    return _ALL.all(db)


def find_of_scopes(db: Connection, scopes: Collection[str]) -> list[ClaimMapping]:
    """Return the mappings that these scopes release, ordered by name."""
    return _MAPPING.all(db, _MAPPING.select().where(_columns.scope.in_(scopes)).order_by(_columns.name))


def find_released(db: Connection) -> tuple[tuple[str, str], ...]:
    """Return the scope and the claim of each mapping of a scope, for all clients."""
    query = select(_columns.scope, _columns.claim).where(_columns.scope.is_not(None), _columns.client_id.is_(None))
    return tuple((scope, claim) for scope, claim in db.execute(query.order_by(_columns.name)))


def count(db: Connection) -> int:
    return db.scalar(select(func.count()).select_from(claim_mappings)) or 0


def lock(db: Connection) -> None:
    """Keep other changes of mappings waiting until the transaction ends."""
    dialect.queue_for(db, "claim mappings")


def add(db: Connection, one: ClaimMapping, attributes: Iterable[str]) -> None:
    db.execute(insert(claim_mappings), values_of(one))
    _read(db, one.name, attributes)


def replace(db: Connection, one: ClaimMapping, attributes: Iterable[str]) -> None:
    db.execute(update(claim_mappings).where(_columns.name == one.name).values(values_of(one)))
    db.execute(delete(claim_mapping_attributes).where(claim_mapping_attributes.c.mapping == one.name))
    _read(db, one.name, attributes)


def remove(db: Connection, name: str) -> bool:
    return db.execute(delete(claim_mappings).where(_columns.name == name)).rowcount == 1


def _read(db: Connection, name: str, attributes: Iterable[str]) -> None:
    rows = [{"mapping": name, "attribute": attribute} for attribute in attributes]
    if rows:
        db.execute(insert(claim_mapping_attributes), rows)
