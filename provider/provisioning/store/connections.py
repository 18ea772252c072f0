"""The provisionings table: the SCIM service of an app, whom it gets, and whether it can be reached."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import UtcTime

LONGEST_ERROR = 300


class OnDeletion(StrEnum):
    """What happens at the app to a user who is deleted here."""

    DEACTIVATE = "deactivate"
    DELETE = "delete"


provisionings = Table(
    "provisionings",
    metadata,
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), primary_key=True),
    Column("base_url", String(2000), nullable=False),
    Column("sealed", Text, nullable=False),  # the bearer token, encrypted
    Column("members_of", JSON, nullable=False),  # groups whose members the app gets; none: all who may sign in to it
    Column("push_groups", JSON, nullable=False),  # names of the groups that the app gets
    Column("on_deletion", String(10), nullable=False),
    Column("with_attributes", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),  # by an operator
    Column("stopped_at", UtcTime),  # since the app rejected the token
    Column("error", String(LONGEST_ERROR)),  # why it is stopped or paused
    Column("failures", Integer, nullable=False),  # requests in a row that found the app unavailable
    Column("retry_at", UtcTime),  # nothing is sent before
    Column("scan", String(10), nullable=False),
    Column("scan_place", JSON(none_as_null=True)),
    Column("scan_started_at", UtcTime),
    Column("scan_finished_at", UtcTime),
    Column("scanned", Integer, nullable=False),
)


class Scan(StrEnum):
    """The state of going through all users and groups."""

    NONE = "none"
    COMPARE = "compare"  # what has not changed since it was sent is not sent
    RESYNC = "resync"  # all are sent


@dataclass(frozen=True)
class Provisioning:
    client_id: str
    base_url: str
    sealed: str
    members_of: list[str]
    push_groups: list[str]
    on_deletion: str
    with_attributes: bool
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None
    stopped_at: datetime | None
    error: str | None
    failures: int
    retry_at: datetime | None
    scan: str
    scan_place: list[str] | None
    scan_started_at: datetime | None
    scan_finished_at: datetime | None
    scanned: int

    def may_send(self, now: datetime) -> bool:
        """Return whether requests may be sent to the app now."""
        paused = self.retry_at is not None and self.retry_at > now
        return self.disabled_at is None and self.stopped_at is None and not paused


_PROVISIONING = rows_of(Provisioning, provisionings)
_ENABLED = _PROVISIONING.prepare(
    _PROVISIONING.select().where(provisionings.c.disabled_at.is_(None)).order_by(provisionings.c.client_id)
)


def add(db: Connection, one: Provisioning) -> None:
    db.execute(insert(provisionings), values_of(one))


def find(db: Connection, client_id: str) -> Provisioning | None:
    return _PROVISIONING.one(db, _PROVISIONING.select().where(_is(client_id)))


def lock(db: Connection, client_id: str) -> Provisioning | None:
    """Return the row, locked until the transaction ends. Lock it before rows of `provisioned_resources`, which can be
    added meanwhile.
    """
    db.execute(select(provisionings.c.client_id).where(_is(client_id)).with_for_update(key_share=True))
    return find(db, client_id)


def find_all(db: Connection) -> list[Provisioning]:
    return _PROVISIONING.all(db, _PROVISIONING.select().order_by(provisionings.c.client_id))


def find_enabled(db: Connection) -> list[Provisioning]:
    """Return those that an operator did not disable: changes are noted for them, also while they are stopped."""
    return _ENABLED.all(db, {})


def change(db: Connection, client_id: str, **values: Any) -> None:
    db.execute(update(provisionings).where(_is(client_id)).values(**values))


def start_scan(db: Connection, client_id: str, scan: Scan, *, now: datetime) -> None:
    """Begin to go through all users and groups, or begin again. A resync that is under way stays one."""
    own, running = _is(client_id), provisionings.c.scan == Scan.RESYNC
    start = {"scan_place": None, "scan_started_at": now, "scan_finished_at": None, "scanned": 0}
    db.execute(update(provisionings).where(own).values(**start))
    db.execute(update(provisionings).where(own, ~running).values(scan=scan))


def remove(db: Connection, client_id: str) -> bool:
    return db.execute(delete(provisionings).where(_is(client_id))).rowcount == 1


def _is(client_id: str) -> ColumnElement[bool]:
    return provisionings.c.client_id == client_id
