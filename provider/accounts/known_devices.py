"""Devices that signed in to an account before: password guesses by strangers do not slow them down.

A known device proves nothing about its user. It only gets a failure counter of its own (`throttle.KNOWN_DEVICE`), so a
stolen cookie gains nothing else.
"""

from datetime import timedelta

from provider.accounts.new_devices import notify_of_new_device
from provider.accounts.store import known_devices
from provider.accounts.store.known_devices import KnownDevice
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_opaque
from provider.database.base import new_id
from provider.work import UnitOfWork

KEPT_FOR = timedelta(days=90)
"""How long a device is remembered after the last sign-in there."""
MOST = 10
"""The most devices per account. Each has a counter, so their number limits the guesses."""


def find_known(work: UnitOfWork, value: str | None, user_id: str | None) -> KnownDevice | None:
    """Return the browser with this cookie if the account knows it. The query is the same if no account exists."""
    if value is None:
        return None
    found = known_devices.find(work.read, digest(value), idle_since=work.now - KEPT_FOR)
    return next((device for device in found if device.user_id == user_id), None)


def find_of_user(work: UnitOfWork, user_id: str) -> list[KnownDevice]:
    """Return the devices that the account knows, the most recently used first."""
    return known_devices.find_of_user(work.read, user_id, idle_since=work.now - KEPT_FOR)


def remember(work: UnitOfWork, *, user_id: str, value: str | None) -> str:
    """Remember this browser after a complete sign-in, with every factor due; return its cookie's value.

    The browser keeps its value where this account knows it. Otherwise it gets a new one, so that an attacker cannot
    plant a value and have it become known.
    """
    before = None if value is None else digest(value)
    seen = {"user_agent": work.origin.user_agent, "network": work.origin.network}
    if value is not None and before is not None and known_devices.touch(work.db, user_id, before, now=work.now, **seen):
        return value
    fresh = new_opaque()
    if before is not None:
        known_devices.move(work.db, old=before, new=digest(fresh))
    device = KnownDevice(new_id(), user_id, digest(fresh), created_at=work.now, last_used_at=work.now, **seen)
    known_devices.add(work.db, device)
    notify_of_new_device(work, user_id=user_id)
    known_devices.keep_latest(work.db, user_id, newest=device.id, count=MOST)
    return fresh


def forget(work: UnitOfWork, *, user_id: str, device_id: str) -> None:
    """Forget one device of the account, and record that. The next sign-in there is one on a new device again."""
    if known_devices.forget(work.db, user_id, device_id):
        record(work, Event.DEVICE_FORGOTTEN, user_id=user_id)


def forget_all(work: UnitOfWork, *, user_id: str) -> None:
    """Forget every device the account knows.

    Other people who may have used the account become strangers again, and so do the user's own devices until the next
    sign-in.
    """
    known_devices.forget_all(work.db, user_id)
