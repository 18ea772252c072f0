"""The provisioned_resources table: each user and group at each app, what was sent last, and what is to be sent.

A change only notes that something changed. What is sent is the state at that time, so that changes in a row are one
request, and a repeated request changes nothing more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of
from provider.database.types import LONGEST_NAME, Digest, Name, UtcTime
from provider.provisioning.store.connections import LONGEST_ERROR, provisionings

LONGEST_ID = 250
"""The most characters of an identifier or a version of the app."""
BATCH = 200
"""How many rows one statement writes: SQLite limits the parameters of a statement."""


class Kind(StrEnum):
    USER = "user"
    GROUP = "group"


class State(StrEnum):
    PENDING = "pending"
    CURRENT = "current"
    FAILED = "failed"  # after the last attempt; the next change or an operator tries again


provisioned_resources = Table(
    "provisioned_resources",
    metadata,
    Column("client_id", String(128), ForeignKey("provisionings.client_id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(5), nullable=False),
    Column("key", Name, nullable=False),  # the user's ID or the group's name; no foreign key: it outlives both
    Column("state", String(10), nullable=False),
    Column("revision", Integer, nullable=False),  # counts changes, so that one during a request is not lost
    Column("tried", Boolean, nullable=False),  # whether it may be at the app, although its ID there is not known
    Column("remote_id", String(LONGEST_ID)),
    Column("version", String(LONGEST_ID)),  # the ETag
    Column("digest", Digest),  # of what was sent last
    Column("active", Boolean, nullable=False),  # whether it was active when it was sent last
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("claimed_until", UtcTime),  # by the process that sends it
    Column("error", String(LONGEST_ERROR)),
    Column("changed_at", UtcTime, nullable=False),
    Column("succeeded_at", UtcTime),
    PrimaryKeyConstraint("client_id", "kind", "key"),
    Index("ix_provisioned_resources_client_id_state_next_at", "client_id", "state", "next_at"),
    Index("ix_provisioned_resources_key", "key"),
)
assert LONGEST_NAME >= 36  # noqa: S101  # an ID fits into `key`


@dataclass(frozen=True)
class Provisioned:
    client_id: str
    kind: str
    key: str
    state: str
    revision: int
    tried: bool
    remote_id: str | None
    version: str | None
    digest: bytes | None
    active: bool
    attempts: int
    next_at: datetime
    claimed_until: datetime | None
    error: str | None
    changed_at: datetime
    succeeded_at: datetime | None


@dataclass(frozen=True)
class Counts:
    """How many users and groups of an app there are in each state."""

    users: int = 0
    """Those that are active at the app."""
    deactivated: int = 0
    groups: int = 0
    pending: int = 0
    failed: int = 0


_RESOURCE = rows_of(Provisioned, provisioned_resources)
_row = provisioned_resources.c


def mark(db: Connection, client_id: str, kind: Kind, keys: Collection[str], *, now: datetime) -> None:
    """Note that these users or groups changed: they are sent again as they are when it is their turn."""
    wanted = sorted(set(keys))  # in one order, so that two transactions do not wait for each other
    for start in range(0, len(wanted), BATCH):
        rows = [_new(client_id, kind, key, now) for key in wanted[start : start + BATCH]]
        added = upsert(db, provisioned_resources).values(rows)
        again = {**_AGAIN, "revision": _row.revision + 1, "next_at": now, "changed_at": now}
        db.execute(added.on_conflict_do_update(index_elements=["client_id", "kind", "key"], set_=again))


def mark_page(
    db: Connection, client_id: str, *, after: tuple[str, str] | None, limit: int, now: datetime, resend: bool
) -> tuple[str, str] | None:
    """Note the next rows of an app as changed, and with `resend` as not sent. Returns the last one, or None."""
    own_rows = select(_row.kind, _row.key).where(_row.client_id == client_id)
    query = (
        own_rows.order_by(_row.kind.desc(), _row.key).limit(limit).with_for_update()
    )  # locked in the order of `mark`
    if after is not None:
        query = query.where(or_(_row.kind < after[0], and_(_row.kind == after[0], _row.key > after[1])))
    found = [(row.kind, row.key) for row in db.execute(query)]
    for kind in Kind:
        own = (_row.client_id == client_id, _row.kind == kind, _row.key.in_([key for one, key in found if one == kind]))
        values: dict[str, Any] = {**_AGAIN, "revision": _row.revision + 1, "next_at": now}
        db.execute(update(provisioned_resources).where(*own).values({**values, **({"digest": None} if resend else {})}))
    return found[-1] if found else None


def retry(db: Connection, client_id: str, *, now: datetime, kind: str | None = None, key: str | None = None) -> int:
    """Try what failed, or waits for its next attempt, again now: one, or all of an app. Returns how many."""
    which = [_row.client_id == client_id, _row.error.is_not(None)]
    if key is not None:
        which += [_row.kind == kind, _row.key == key]
    again = {**_AGAIN, "next_at": now}
    return db.execute(update(provisioned_resources).where(*which).values(again)).rowcount


def claim_next(db: Connection, client_id: str, *, now: datetime, until: datetime) -> Provisioned | None:
    """Claim what is to be sent next: users first, because groups name their members. Returns None if nothing is due."""
    due = select(_row.kind, _row.key).where(_row.client_id == client_id, _is_due(now))
    while (found := db.execute(due.order_by(_row.kind.desc(), _row.next_at).limit(1)).one_or_none()) is not None:
        own = (_row.client_id == client_id, _row.kind == found.kind, _row.key == found.key, _is_due(now))
        taken = update(provisioned_resources).where(*own).values(claimed_until=until).returning(*_RESOURCE.columns)
        if (claimed := _RESOURCE.one(db, taken)) is not None:
            return claimed
    return None


def finish(db: Connection, one: Provisioned, **values: Any) -> bool:
    """Save what a request brought. What changed meanwhile stays pending. Returns False if the claim was lost."""
    unchanged = _row.revision == one.revision
    state = values.pop("state")
    saved = {**values, "claimed_until": None, "state": case((unchanged, state), else_=State.PENDING)}
    return db.execute(update(provisioned_resources).where(*_claimed(one)).values(saved)).rowcount == 1


def set_tried(db: Connection, one: Provisioned) -> None:
    """Note that a request may create it at the app, whatever becomes of this process."""
    db.execute(update(provisioned_resources).where(*_claimed(one)).values(tried=True))


def forget(db: Connection, one: Provisioned) -> None:
    """Delete the row of what is neither here nor at the app, unless it changed meanwhile."""
    gone = delete(provisioned_resources).where(*_claimed(one), _row.revision == one.revision)
    if db.execute(gone).rowcount == 0:
        finish(db, one, state=State.PENDING, remote_id=None, version=None, digest=None, active=False, tried=False)


def forget_all(db: Connection, client_id: str) -> None:
    """Delete what is known of an app."""
    db.execute(delete(provisioned_resources).where(_row.client_id == client_id))


def find_waiting(db: Connection, *, now: datetime) -> list[str]:
    """Return the apps that have something to be sent now."""
    due = select(_row.key).where(_row.client_id == provisionings.c.client_id, _is_due(now)).exists()
    is_open = provisionings.c.disabled_at.is_(None) & provisionings.c.stopped_at.is_(None)
    is_ready = or_(provisionings.c.retry_at.is_(None), provisionings.c.retry_at <= now)
    query = select(provisionings.c.client_id).where(is_open, is_ready, or_(due, provisionings.c.scan != "none"))
    return list(db.scalars(query.order_by(provisionings.c.client_id)))


def find_remote_ids(db: Connection, client_id: str, user_ids: Sequence[str]) -> dict[str, str]:
    """Return the app's IDs of those of these users who are active there."""
    found: dict[str, str] = {}
    for start in range(0, len(user_ids), BATCH):
        some = _row.key.in_(user_ids[start : start + BATCH])
        own = (_row.client_id == client_id, _row.kind == Kind.USER, _row.active, _row.remote_id.is_not(None), some)
        found.update((row.key, row.remote_id) for row in db.execute(select(_row.key, _row.remote_id).where(*own)))
    return found


def find_holder(db: Connection, client_id: str, kind: str, remote_id: str) -> str | None:
    """Return the key of what has this ID at the app."""
    own = (_row.client_id == client_id, _row.kind == kind, _row.remote_id == remote_id)
    return db.scalar(select(_row.key).where(*own).limit(1))


def find(db: Connection, client_id: str, kind: str, key: str) -> Provisioned | None:
    own = (_row.client_id == client_id, _row.kind == kind, _row.key == key)
    return _RESOURCE.one(db, _RESOURCE.select().where(*own))


def find_of_user(db: Connection, user_id: str) -> list[Provisioned]:
    """Return what is known of a user at each app."""
    query = _RESOURCE.select().where(_row.key == user_id, _row.kind == Kind.USER).order_by(_row.client_id)
    return _RESOURCE.all(db, query)


def find_page(
    db: Connection, client_id: str, *, state: str | None, after: tuple[str, str] | None, limit: int
) -> list[Provisioned]:
    """Return a page of an app's users and groups by kind and key. The state `failing` is failed, or about to be."""
    query = _RESOURCE.select().where(_row.client_id == client_id).order_by(_row.kind, _row.key).limit(limit)
    if state == "failing":
        query = query.where(_row.error.is_not(None))
    elif state is not None:
        query = query.where(_row.state == state)
    if after is not None:
        query = query.where(or_(_row.kind > after[0], and_(_row.kind == after[0], _row.key > after[1])))
    return _RESOURCE.all(db, query)


def count(db: Connection, client_id: str) -> Counts:
    query = select(_row.kind, _row.state, _row.active, _row.remote_id.is_not(None).label("is_there"), func.count())
    query = query.where(_row.client_id == client_id)
    numbers: dict[str, int] = dict.fromkeys(("users", "deactivated", "groups", "pending", "failed"), 0)
    for kind, state, active, is_there, number in db.execute(
        query.group_by(_row.kind, _row.state, _row.active, "is_there")
    ):
        if state in {State.PENDING, State.FAILED}:
            numbers[state] += number
        if is_there:
            numbers["groups" if kind == Kind.GROUP else "users" if active else "deactivated"] += number
    return Counts(**numbers)


_AGAIN: Mapping[str, Any] = {"state": State.PENDING, "attempts": 0}


def _new(client_id: str, kind: Kind, key: str, now: datetime) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "kind": kind,
        "key": key,
        "state": State.PENDING,
        "revision": 1,
        "tried": False,
        "active": False,
        "attempts": 0,
        "next_at": now,
        "changed_at": now,
    }


def _is_due(now: datetime) -> ColumnElement[bool]:
    is_free = or_(_row.claimed_until.is_(None), _row.claimed_until <= now)
    return and_(_row.state == State.PENDING, _row.next_at <= now, is_free)


def _claimed(one: Provisioned) -> tuple[ColumnElement[bool], ...]:
    return (
        _row.client_id == one.client_id,
        _row.kind == one.kind,
        _row.key == one.key,
        _row.claimed_until == one.claimed_until,
    )
