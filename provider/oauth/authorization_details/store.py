"""The types of authorization details that operators declared."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, String, Table, delete, insert, select, update

from provider.database import dialect
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import UtcTime

# In one order on every database.
_Type = String(200).with_variant(String(200, collation="C"), "postgresql")

authorization_details_types = Table(
    "authorization_details_types",
    metadata,
    Column("type", _Type, primary_key=True),
    Column("json_schema", JSON, nullable=False),
    Column("label", JSON, nullable=False),
    Column("description", JSON, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("resources", JSON, nullable=False),
    Column("ask_each_time", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)


@dataclass(frozen=True)
class DetailsType:
    """A type of authorization details, as it is declared (`types.Declaration`)."""

    type: str
    json_schema: dict[str, Any]
    label: dict[str, str]
    description: dict[str, str]
    fields: dict[str, dict[str, str]]
    resources: list[str]
    ask_each_time: bool
    created_at: datetime
    updated_at: datetime


_TYPE = rows_of(DetailsType, authorization_details_types)


def find(db: Connection, name: str) -> DetailsType | None:
    return _TYPE.one(db, _TYPE.select().where(authorization_details_types.c.type == name))


def find_those(db: Connection, names: Collection[str]) -> dict[str, DetailsType]:
    """Return the types with these names, by name."""
    found = _TYPE.all(db, _TYPE.select().where(authorization_details_types.c.type.in_(names)))
    return {one.type: one for one in found}


def find_all(db: Connection) -> list[DetailsType]:
    """Return all types, ordered by name."""
    return _TYPE.all(db, _TYPE.select().order_by(authorization_details_types.c.type))


def find_names(db: Connection) -> tuple[str, ...]:
    query = select(authorization_details_types.c.type).order_by(authorization_details_types.c.type)
    return tuple(db.scalars(query))


def lock(db: Connection, name: str) -> None:
    """Keep other changes of this type waiting until the transaction ends."""
    dialect.queue_for(db, f"authorization details type {name}")


def add(db: Connection, one: DetailsType) -> None:
    db.execute(insert(authorization_details_types), values_of(one))


def replace(db: Connection, one: DetailsType) -> None:
    changed = update(authorization_details_types).where(authorization_details_types.c.type == one.type)
    db.execute(changed.values(values_of(one)))


def remove(db: Connection, name: str) -> bool:
    gone = delete(authorization_details_types).where(authorization_details_types.c.type == name)
    return db.execute(gone).rowcount == 1
