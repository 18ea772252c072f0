"""The tables of authenticator apps: confirmed seeds, each with its last time step.

A user's first app is a row of `totp_credentials`, where the release before this one looks for the only one that it
knows. Others are rows of `further_totp_credentials`, which end with it. So a user has an app if and only if they have a
first one; if it is removed, another takes its place.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    union_all,
    update,
)

from provider.database.base import metadata, new_id
from provider.database.dialect import upsert
from provider.database.owners import Owners
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

LONGEST_NAME = 60

totp_credentials = Table(
    "totp_credentials",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("seed", String(200), nullable=False),  # encrypted
    Column("confirmed_at", UtcTime, nullable=False),
    Column("last_step", BigInteger, nullable=False),  # only later steps are accepted: each code works once
    Column("id", Identifier),  # NULL if an earlier release wrote the row: the id of the user stands for it
    Column("name", Text),
    Column("last_used_at", UtcTime),
)

further_totp_credentials = Table(
    "further_totp_credentials",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column(
        "user_id",
        Identifier,
        ForeignKey("totp_credentials.user_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("seed", String(200), nullable=False),  # encrypted
    Column("confirmed_at", UtcTime, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("last_used_at", UtcTime),
)


@dataclass(frozen=True)
class TotpCredential:
    """A confirmed authenticator app of a user. No two have the same encrypted seed."""

    user_id: str
    seed: str
    confirmed_at: datetime
    last_step: int
    id: str = field(default_factory=new_id)
    name: str = ""
    """Empty if the user gave it none."""
    last_used_at: datetime | None = None


_first = totp_credentials.c
_FIRST = rows_of(
    TotpCredential,
    totp_credentials,
    id=func.coalesce(_first.id, _first.user_id).label("id"),
    name=func.coalesce(_first.name, "").label("name"),
)
_FURTHER = rows_of(TotpCredential, further_totp_credentials)
_TABLES = (totp_credentials, further_totp_credentials)
_OWNERS = Owners(_first.user_id)
_both = union_all(
    _FIRST.select().where(_first.user_id == bindparam("user_id")),
    _FURTHER.select().where(further_totp_credentials.c.user_id == bindparam("user_id")),
).subquery()
_OF_USER = _FIRST.prepare(select(*_both.c).order_by(_both.c.confirmed_at, _both.c.id))


def find_of_user(db: Connection, user_id: str) -> list[TotpCredential]:
    """Return the authenticator apps of this user, the oldest first."""
    return _OF_USER.all(db, {"user_id": user_id})


def lock_of_user(db: Connection, user_id: str) -> list[TotpCredential]:
    """Return the same. Until the transaction ends, no other one adds, replaces or removes any."""
    db.execute(select(_first.user_id).where(_first.user_id == user_id).with_for_update())
    return find_of_user(db, user_id)


def find_owners(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these users have a confirmed authenticator app."""
    return _OWNERS.among(db, user_ids)


def spend_step(db: Connection, credential: TotpCredential, step: int, *, now: datetime) -> bool:
    """Use up this time step of this app. Returns False if it or a later one was used before, or the app is gone."""
    return any(
        db.execute(
            update(table)
            .where(*_is(table, credential), table.c.last_step < step)
            .values(last_step=step, last_used_at=now)
        ).rowcount
        for table in _TABLES
    )


def add(db: Connection, credential: TotpCredential) -> None:
    """Store another authenticator app of its user."""
    values = values_of(credential)
    first = upsert(db, totp_credentials).values(values).on_conflict_do_nothing(index_elements=["user_id"])
    if db.scalar(first.returning(_first.user_id)) is None:
        db.execute(insert(further_totp_credentials), values)


def rename(db: Connection, credential: TotpCredential, name: str) -> bool:
    return _change(db, credential, {"name": name})


def replace(db: Connection, old: TotpCredential, new: TotpCredential) -> bool:
    """Put an app of the same user in the place of another. Returns False if that one is gone."""
    return _change(db, old, values_of(new))


def remove(db: Connection, credential: TotpCredential) -> None:
    """Delete this app. If it was the first one and there are others, the oldest of them becomes the first."""
    if db.execute(delete(further_totp_credentials).where(*_is(further_totp_credentials, credential))).rowcount:
        return
    others = [one for one in find_of_user(db, credential.user_id) if one.seed != credential.seed]
    if not others:
        remove_all(db, credential.user_id)
        return
    # Not deleted and inserted: the others would end with the row.
    db.execute(delete(further_totp_credentials).where(*_is(further_totp_credentials, others[0])))
    _change(db, credential, values_of(others[0]))


def remove_all(db: Connection, user_id: str) -> None:
    db.execute(delete(totp_credentials).where(_first.user_id == user_id))


def _change(db: Connection, credential: TotpCredential, values: dict[str, Any]) -> bool:
    return any(db.execute(update(table).where(*_is(table, credential)).values(values)).rowcount for table in _TABLES)


def _is(table: Table, credential: TotpCredential) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for the row of this app, which may have moved to the other table since it was read."""
    return (table.c.user_id == credential.user_id, table.c.seed == credential.seed)
