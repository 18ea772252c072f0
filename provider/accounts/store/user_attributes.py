"""The attributes of users that operators declared."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Integer, String, Table, delete, insert, select, update

from provider.database import dialect
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

LONGEST_NAME = 64
LONGEST_RELEASED = 100
"""The longest scope and claim of an attribute."""

# In one order on every database.
_Name = String(LONGEST_NAME).with_variant(String(LONGEST_NAME, collation="C"), "postgresql")

user_attributes = Table(
    "user_attributes",
    metadata,
    Column("id", Identifier, primary_key=True),  # values refer to it, so that a name can be used again
    Column("name", _Name, nullable=False, unique=True),
    Column("type", String(16), nullable=False),
    Column("label", JSON, nullable=False),
    Column("help", JSON, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("seen_by", JSON, nullable=False),
    Column("edited_by", JSON, nullable=False),
    Column("shown_at", JSON, nullable=False),
    Column("required_at", JSON, nullable=False),
    Column("searchable", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
    Column("scope", String(LONGEST_RELEASED)),  # NULL: no app gets it
    Column("claim", String(LONGEST_RELEASED), unique=True),
    Column("released_since", UtcTime),  # when the scope or the claim was last set
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
deleted_user_attributes = Table(
    "deleted_user_attributes",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("deleted_at", UtcTime, nullable=False, index=True),
)
"""Deleted attributes whose values the worker has not deleted yet."""


@dataclass(frozen=True)
class Attribute:
    """An attribute as it is declared (`attributes.declarations.Declaration`)."""

    id: str
    name: str
    type: str
    label: dict[str, str]
    help: dict[str, str]
    rules: dict[str, Any]
    seen_by: list[str]
    edited_by: list[str]
    shown_at: list[str]
    required_at: list[str]
    searchable: bool
    position: int
    scope: str | None
    claim: str | None
    released_since: datetime | None
    created_at: datetime
    updated_at: datetime


_ATTRIBUTE = rows_of(Attribute, user_attributes)
ORDER = (user_attributes.c.position, user_attributes.c.name)
"""The order in which forms and lists show attributes."""
_ALL = _ATTRIBUTE.prepare(_ATTRIBUTE.select().order_by(*ORDER))


def find(db: Connection, name: str) -> Attribute | None:
    return _ATTRIBUTE.one(db, _ATTRIBUTE.select().where(user_attributes.c.name == name))


def find_all(db: Connection) -> list[Attribute]:
    """Return all attributes, in the order of forms."""
    return _ALL.all(db, {})


def find_of_scopes(db: Connection, scopes: list[str]) -> list[Attribute]:
    """Return the attributes that these scopes release, in the order of forms."""
    return _ATTRIBUTE.all(db, _ATTRIBUTE.select().where(user_attributes.c.scope.in_(scopes)).order_by(*ORDER))


def find_released(db: Connection) -> tuple[tuple[str, str], ...]:
    """Return the scope and the claim of each attribute that has them."""
    query = select(user_attributes.c.scope, user_attributes.c.claim).where(user_attributes.c.scope.is_not(None))
    return tuple((scope, claim) for scope, claim in db.execute(query.order_by(*ORDER)))


def lock(db: Connection) -> None:
    """Keep other changes of declarations waiting until the transaction ends. Claims must differ among all of them."""
    dialect.queue_for(db, "user attributes")


def add(db: Connection, one: Attribute) -> None:
    db.execute(insert(user_attributes), values_of(one))


def replace(db: Connection, one: Attribute) -> None:
    db.execute(update(user_attributes).where(user_attributes.c.id == one.id).values(values_of(one)))


def remove(db: Connection, attribute_id: str, *, now: datetime) -> None:
    """Remove a declaration. Its values no longer count, and `attribute_values.purge` deletes them."""
    db.execute(delete(user_attributes).where(user_attributes.c.id == attribute_id))
    db.execute(insert(deleted_user_attributes), {"id": attribute_id, "deleted_at": now})
