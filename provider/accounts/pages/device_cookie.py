"""The cookie of a device that signed in before. Only this file reads or writes it."""

from provider.accounts import known_devices
from provider.web import cookies
from provider.web.call import Call


def device_of(call: Call) -> str | None:
    return call.cookie(cookies.DEVICE)


def remember_device(call: Call, user_id: str) -> None:
    """Remember the device after every factor due, and set its cookie for as long as the account knows it."""
    value = known_devices.remember(call.work, user_id=user_id, value=device_of(call))
    call.set_cookie(cookies.DEVICE, value, max_age=int(known_devices.KEPT_FOR.total_seconds()))
