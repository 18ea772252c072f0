"""Known devices on which the second factor is not asked for, by the digest of their second cookie."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Index, Table, delete, insert, select, update

from provider.accounts.store.known_devices import KnownDevice, known_devices
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime

remembered_devices = Table(
    "remembered_devices",
    metadata,
    # A known device is one browser of one account: what forgets it ends this, too.
    Column("device_id", Identifier, ForeignKey("known_devices.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Digest, nullable=False),  # of the cookie's value, which changes at every use
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),  # NULL until it has replaced a second factor
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_remembered_devices_digest", "digest"),
    Index("ix_remembered_devices_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class RememberedDevice:
    device_id: str
    digest: bytes
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


_DEVICE = rows_of(RememberedDevice, remembered_devices)
_KNOWN = rows_of(KnownDevice, known_devices)


def put(db: Connection, device: RememberedDevice) -> None:
    """Remember this device; what was stored of it before is replaced."""
    remove(db, device.device_id)
    db.execute(insert(remembered_devices), values_of(device))


def use(db: Connection, device_id: str, *, old: bytes, new: bytes, now: datetime) -> bool:
    """Replace the digest. Returns False if the device is not remembered with the old one, or no longer."""
    current = (
        remembered_devices.c.device_id == device_id,
        remembered_devices.c.digest == old,
        remembered_devices.c.expires_at > now,
    )
    return db.execute(update(remembered_devices).where(*current).values(digest=new, last_used_at=now)).rowcount == 1


def move(db: Connection, *, old: bytes, new: bytes) -> None:
    """Replace the digest of a browser's cookie, for every account that remembers the browser."""
    db.execute(update(remembered_devices).where(remembered_devices.c.digest == old).values(digest=new))


def find_of_user(db: Connection, user_id: str, *, now: datetime) -> list[tuple[KnownDevice, RememberedDevice]]:
    """Return the devices that this user's account remembers, the latest first."""
    of_user = (known_devices.c.user_id == user_id, remembered_devices.c.expires_at > now)
    query = _DEVICE.select().join(known_devices, known_devices.c.id == remembered_devices.c.device_id)
    found = _DEVICE.all(db, query.where(*of_user).order_by(remembered_devices.c.created_at.desc()))
    known = _KNOWN.all(db, _KNOWN.select().where(known_devices.c.id.in_([one.device_id for one in found])))
    by_id = {one.id: one for one in known}
    return [(by_id[one.device_id], one) for one in found if one.device_id in by_id]


def remove(db: Connection, device_id: str, *, active_at: datetime | None = None) -> bool:
    """Delete this device. Returns False if it is not remembered, or with `active_at` if it had expired then."""
    one = delete(remembered_devices).where(remembered_devices.c.device_id == device_id)
    expiry = db.scalar(one.returning(remembered_devices.c.expires_at))
    return expiry is not None and (active_at is None or expiry > active_at)


def remove_all(db: Connection, user_id: str) -> None:
    of_user = select(known_devices.c.id).where(known_devices.c.user_id == user_id)
    db.execute(delete(remembered_devices).where(remembered_devices.c.device_id.in_(of_user)))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(remembered_devices.c.device_id)
        .where(remembered_devices.c.expires_at < before)
        .order_by(remembered_devices.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(remembered_devices).where(remembered_devices.c.device_id.in_(old))).rowcount
