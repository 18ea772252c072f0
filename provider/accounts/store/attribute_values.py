"""The values of declared attributes: a row for each user and attribute that has one."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    FromClause,
    Index,
    PrimaryKeyConstraint,
    Select,
    Table,
    Text,
    delete,
    select,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from provider.accounts.store.user_attributes import deleted_user_attributes, user_attributes
from provider.accounts.store.users import users
from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Identifier, SearchKey, UtcTime

attribute_values = Table(
    "user_attribute_values",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # Without a foreign key: the million values of a deleted attribute are deleted in batches.
    Column("attribute_id", Identifier, nullable=False),
    Column("value", Text, nullable=False),  # JSON
    Column("search_key", SearchKey),  # NULL for what has no single value: lists and JSON
    Column("updated_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id", "attribute_id"),
    Index("ix_user_attribute_values_search", "attribute_id", "search_key", "user_id"),
)


def find_of_users(db: Connection, user_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the values of these users: user id to attribute id to value."""
    table = attribute_values.c
    found: dict[str, dict[str, Any]] = {}
    query = select(table.user_id, table.attribute_id, table.value).where(table.user_id.in_(user_ids))
    for user_id, attribute_id, value in db.execute(query):
        found.setdefault(user_id, {})[attribute_id] = json.loads(value)
    return found


def put(db: Connection, user_id: str, values: Mapping[str, tuple[Any, str | None]], *, now: datetime) -> None:
    """Set values of a user, each with its search key, by attribute id. None as a value removes it."""
    removed = [attribute_id for attribute_id, (value, _) in values.items() if value is None]
    if removed:
        mine = (attribute_values.c.user_id == user_id, attribute_values.c.attribute_id.in_(removed))
        db.execute(delete(attribute_values).where(*mine))
    rows = [
        {
            "user_id": user_id,
            "attribute_id": attribute_id,
            "value": json.dumps(value, ensure_ascii=False, separators=(",", ":")),
            "search_key": key,
            "updated_at": now,
        }
        for attribute_id, (value, key) in values.items()
        if value is not None
    ]
    if rows:
        added = upsert(db, attribute_values).values(rows)
        new = {name: added.excluded[name] for name in ("value", "search_key", "updated_at")}
        db.execute(added.on_conflict_do_update(index_elements=["user_id", "attribute_id"], set_=new))


def having(attribute_id: str, key: str) -> Select[tuple[str]]:
    """Return a select of the ids of users whose value has this search key."""
    table = attribute_values.c
    return select(table.user_id).where(table.attribute_id == attribute_id, table.search_key == key)


def find_page(db: Connection, attribute_id: str, key: str, *, after: str | None, limit: int) -> list[str]:
    """Return the users whose value has this search key, in the order of their ids."""
    query = having(attribute_id, key)
    query = query if after is None else query.where(attribute_values.c.user_id > after)
    return list(db.scalars(query.order_by(attribute_values.c.user_id).limit(limit)))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete values of attributes that were deleted before this time. Returns how many rows."""
    gone = deleted_user_attributes.c
    due = db.scalar(select(gone.id).where(gone.deleted_at <= before).order_by(gone.deleted_at).limit(1))
    if due is None:
        return 0
    key = tuple_(attribute_values.c.user_id, attribute_values.c.attribute_id)
    some = select(attribute_values.c.user_id, attribute_values.c.attribute_id)
    some = some.where(attribute_values.c.attribute_id == due).limit(limit)
    count = db.execute(delete(attribute_values).where(key.in_(some))).rowcount
    if count < limit:
        db.execute(delete(deleted_user_attributes).where(gone.id == due))
    return count


class _Collected(FunctionElement[str]):
    """An aggregate: the rows as one JSON array of arrays, as text. NULL or `[]` without rows."""

    type = Text()
    inherit_cache = True


@compiles(_Collected, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **kw)}))"


@compiles(_Collected)
def _elsewhere(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST(json_agg(json_build_array({compiler.process(element.clauses, **kw)})) AS TEXT)"


def collect(
    *columns: ColumnElement[Any], source: FromClause, where: Sequence[ColumnElement[bool]], of: FromClause
) -> ColumnElement[str]:
    """Return the rows of a source as one column beside those of `of`: a JSON array of arrays, as text."""
    return select(_Collected(*columns)).select_from(source).where(*where).correlate(of).scalar_subquery()


RELEASED = collect(
    user_attributes.c.scope,
    user_attributes.c.claim,
    user_attributes.c.released_since,
    attribute_values.c.value,
    source=attribute_values.join(user_attributes, user_attributes.c.id == attribute_values.c.attribute_id),
    where=(attribute_values.c.user_id == users.c.id, user_attributes.c.scope.is_not(None)),
    of=users,
)
"""What scopes release of a user, as a column beside those of `users`: JSON of [scope, claim, since, value as JSON]."""
