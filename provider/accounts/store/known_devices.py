"""Browsers that signed in to an account before, by the digest of their cookie; the value itself is not stored."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime

known_devices = Table(
    "known_devices",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Digest, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    Column("user_agent", String(300)),  # NULL: not used since an earlier release wrote it
    Column("network", String(64)),
    UniqueConstraint("digest", "user_id"),  # a family's browser is known to several accounts
    Index("ix_known_devices_user_id", "user_id"),
    Index("ix_known_devices_last_used_at", "last_used_at"),
)


@dataclass(frozen=True)
class KnownDevice:
    id: str
    user_id: str
    digest: bytes
    created_at: datetime
    last_used_at: datetime
    user_agent: str | None = None
    """The browser and the network of the last sign-in; None if that was with an earlier release."""
    network: str | None = None


_DEVICE = rows_of(KnownDevice, known_devices)
_ADD = Prepared(insert(known_devices))
_OF_BROWSER = _DEVICE.prepare(
    _DEVICE.select().where(
        known_devices.c.digest == bindparam("digest"), known_devices.c.last_used_at > bindparam("idle_since")
    )
)
_COUNT_NEW = Prepared(
    select(func.count())
    .select_from(known_devices)
    .where(
        known_devices.c.user_id == bindparam("user_id"),
        known_devices.c.created_at > bindparam("since"),
        known_devices.c.digest != bindparam("but"),
    )
)
_TOUCH = Prepared(
    update(known_devices)
    .where(known_devices.c.digest == bindparam("of_digest"), known_devices.c.user_id == bindparam("of_user"))
    .values(last_used_at=bindparam("now"), user_agent=bindparam("new_user_agent"), network=bindparam("new_network"))
)


def add(db: Connection, device: KnownDevice) -> None:
    _ADD.change(db, values_of(device))


def find(db: Connection, digest: bytes, *, idle_since: datetime) -> list[KnownDevice]:
    """Return this browser's devices, one for each account that it signed in to since `idle_since`."""
    return _OF_BROWSER.all(db, {"digest": digest, "idle_since": idle_since})


def find_of_user(db: Connection, user_id: str, *, idle_since: datetime) -> list[KnownDevice]:
    """Return the devices that this user signed in on since `idle_since`, the most recently used first."""
    query = _DEVICE.select().where(known_devices.c.user_id == user_id, known_devices.c.last_used_at > idle_since)
    return _DEVICE.all(db, query.order_by(known_devices.c.last_used_at.desc()))


def touch(db: Connection, user_id: str, digest: bytes, *, now: datetime, user_agent: str, network: str) -> bool:
    """Note a sign-in on this browser. Returns False if this account does not know the browser."""
    used = {"of_digest": digest, "of_user": user_id, "now": now, "new_user_agent": user_agent, "new_network": network}
    return _TOUCH.change(db, used) == 1


def move(db: Connection, *, old: bytes, new: bytes) -> None:
    """Replace the digest of a browser's cookie, for every account that knows the browser."""
    db.execute(update(known_devices).where(known_devices.c.digest == old).values(digest=new))


def forget(db: Connection, user_id: str, device_id: str) -> bool:
    """Delete one device of the user. Returns False if there is none with this id."""
    one = (known_devices.c.id == device_id, known_devices.c.user_id == user_id)
    return db.execute(delete(known_devices).where(*one)).rowcount == 1


def keep_latest(db: Connection, user_id: str, *, newest: str, count: int) -> None:
    """Delete all but `count` devices of the user: `newest`, whatever its time says, and those used most recently."""
    others = (known_devices.c.user_id == user_id, known_devices.c.id != newest)
    latest = select(known_devices.c.id).where(*others).order_by(known_devices.c.last_used_at.desc())
    db.execute(delete(known_devices).where(*others, known_devices.c.id.not_in(latest.limit(count - 1))))


def count_others(db: Connection, user_id: str, *, but: bytes | None, since: datetime) -> int:
    """Return how many devices, besides the one with the digest `but`, this account has known only since `since`."""
    # Without a digest, every device counts: no digest is empty.
    return _COUNT_NEW.scalar(db, {"user_id": user_id, "but": but or b"", "since": since}) or 0


def forget_all(db: Connection, user_id: str) -> None:
    db.execute(delete(known_devices).where(known_devices.c.user_id == user_id))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` devices unused since `before`; return how many."""
    old = (
        select(known_devices.c.id)
        .where(known_devices.c.last_used_at < before)
        .order_by(known_devices.c.last_used_at)
        .limit(limit)
    )
    return db.execute(delete(known_devices).where(known_devices.c.id.in_(old))).rowcount
