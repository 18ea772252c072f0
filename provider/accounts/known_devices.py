"""Devices that signed in to an account before: strangers who guess at its password do not slow them down.

Being known proves nothing about who sits there. It buys a failure counter of its own (`throttle.KNOWN_DEVICE`), and
that is all a stolen cookie buys.
"""

from datetime import timedelta

from provider.accounts.new_devices import notify_of_new_device
from provider.accounts.store import known_devices
from provider.accounts.store.known_devices import KnownDevice
from provider.crypto.digests import digest, new_opaque
from provider.database.base import new_id
from provider.work import UnitOfWork

KEPT_FOR = timedelta(days=90)
"""Since the last sign-in there."""
MOST = 10
"""Per account: each has a counter, so their number bounds the guesses."""


def find_known(work: UnitOfWork, value: str | None, user_id: str | None) -> KnownDevice | None:
    """The browser with this cookie, if this account knows it. Asks the same for accounts that do not exist."""
    if value is None:
        return None
    found = known_devices.find(work.read, digest(value), idle_since=work.now - KEPT_FOR)
    return next((device for device in found if device.user_id == user_id), None)


def remember(work: UnitOfWork, *, user_id: str, value: str | None) -> str:
    """After a whole sign-in, with every factor due. The value this browser's cookie shall have: its own where this
    account knows it, else a new one, so that nobody can plant a value and have it become known.
    """
    before = None if value is None else digest(value)
    if value is not None and before is not None and known_devices.touch(work.db, user_id, before, now=work.now):
        return value
    fresh = new_opaque()
    if before is not None:
        known_devices.move(work.db, old=before, new=digest(fresh))
    device = KnownDevice(new_id(), user_id, digest(fresh), created_at=work.now, last_used_at=work.now)
    known_devices.add(work.db, device)
    notify_of_new_device(work, user_id=user_id)
    known_devices.keep_latest(work.db, user_id, count=MOST)
    return fresh


def forget_all(work: UnitOfWork, *, user_id: str) -> None:
    """Whoever else may have used the account is a stranger again; and so are its own devices, until they sign in."""
    known_devices.forget_all(work.db, user_id)
