"""Devices on which a user chose not to be asked for the second factor again, for SIGNET_REMEMBER_DEVICE_DAYS.

Such a device is a known device (`accounts.known_devices`) with a second cookie. It is no factor: the session has the
first factor only, and whatever asks for two still gets them. The cookie's value changes at each use, so of two browsers
with the same cookie only one is remembered, until the other one tries.
"""

from datetime import datetime, timedelta

from provider.accounts.factors import policy
from provider.accounts.store import known_devices, remembered_devices
from provider.accounts.store.known_devices import KnownDevice
from provider.accounts.store.remembered_devices import RememberedDevice
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest, new_opaque
from provider.languages.text import Text
from provider.refusals import NotFound
from provider.work import UnitOfWork


class NoSuchRememberedDevice(NotFound):
    code = "no-such-remembered-device"
    title = Text("Device not found")
    message = Text("There is no remembered device with this ID.")


def lifetime(work: UnitOfWork) -> timedelta:
    """Return for how long a device is remembered. Zero if none are."""
    return timedelta(days=work.settings.remember_device_days)


def may_remember(work: UnitOfWork, user_id: str) -> bool:
    """Return whether this user's devices may skip the second factor: not if operators require one of the user."""
    return bool(lifetime(work)) and not policy.find_requirement(work, user_id).is_any


def remember(work: UnitOfWork, *, user_id: str, device: str, before: str | None) -> str | None:
    """Remember this browser for this user; return the value of its second cookie. None if none may be remembered.

    Called in the transaction in which the second factor was shown. `device` is the value of the cookie by which the
    account knows the browser, and `before` that of the second one, if it has one already: other accounts that remember
    the browser continue with the new value.
    """
    idle_since = datetime.min.replace(tzinfo=work.now.tzinfo)
    known = (one for one in known_devices.find(work.db, digest(device), idle_since=idle_since))
    own = next((one for one in known if one.user_id == user_id), None)
    if own is None or not may_remember(work, user_id):
        return None
    value = new_opaque()
    if before is not None:
        remembered_devices.move(work.db, old=digest(before), new=digest(value))
    expires_at = work.now + lifetime(work)
    remembered_devices.put(work.db, RememberedDevice(own.id, digest(value), work.now, None, expires_at))
    record(work, Event.REMEMBERED_DEVICE_ADDED, user_id=user_id, device=own.id)
    return value


def use(work: UnitOfWork, device: KnownDevice | None, value: str | None) -> str | None:
    """Return the next value of the second cookie if this device needs no second factor, else None.

    A value that was used before ends it: the cookie may have been copied, and the browser with the next one must show
    the second factor, too.
    """
    if device is None or value is None or not may_remember(work, device.user_id):
        return None
    fresh, old = new_opaque(), digest(value)
    if not remembered_devices.use(work.db, device.id, old=old, new=digest(fresh), now=work.now):
        if remembered_devices.remove(work.db, device.id, active_at=work.now):
            _record_removal(work, device.user_id, device.id, reason="replayed")
        return None
    remembered_devices.move(work.db, old=old, new=digest(fresh))
    return fresh


def find_of_user(work: UnitOfWork, user_id: str) -> list[tuple[KnownDevice, RememberedDevice]]:
    """Return the devices on which this user is not asked for the second factor, the latest first."""
    return remembered_devices.find_of_user(work.read, user_id, now=work.now)


def forget(work: UnitOfWork, *, user_id: str, device_id: str) -> None:
    """Ask for the second factor again on this device. Raises NoSuchRememberedDevice."""
    if all(one.id != device_id for one, _ in remembered_devices.find_of_user(work.db, user_id, now=work.now)):
        raise NoSuchRememberedDevice
    if not remembered_devices.remove(work.db, device_id):
        raise NoSuchRememberedDevice
    _record_removal(work, user_id, device_id, reason="removed")


def forget_all(work: UnitOfWork, *, user_id: str) -> None:
    """Ask for the second factor again on every device of this user. What causes it is in the audit log."""
    remembered_devices.remove_all(work.db, user_id)


def _record_removal(work: UnitOfWork, user_id: str, device_id: str, *, reason: str) -> None:
    record(work, Event.REMEMBERED_DEVICE_REMOVED, user_id=user_id, device=device_id, reason=reason)
