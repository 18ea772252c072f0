"""The cookies of a device that signed in before. Only this file reads or writes them.

One proves nothing: the account knows the device by it. With both, the device may skip the second factor.
"""

from provider.accounts import known_devices
from provider.accounts.factors import remembered_devices
from provider.web import cookies
from provider.web.call import Call


def device_of(call: Call) -> str | None:
    return call.cookie(cookies.DEVICE)


def remembered_of(call: Call) -> str | None:
    return call.cookie(cookies.REMEMBERED)


def remember_device(call: Call, user_id: str, *, skips_second_factor: bool = False) -> None:
    """Remember the device after every factor due, and set its cookie for as long as the account knows it.

    With `skips_second_factor`, the user chose that on the page of the second factor. They are not asked here again, if
    the operator allows it.
    """
    value = known_devices.remember(call.work, user_id=user_id, value=device_of(call))
    call.set_cookie(cookies.DEVICE, value, max_age=int(known_devices.KEPT_FOR.total_seconds()))
    if skips_second_factor:
        second = remembered_devices.remember(call.work, user_id=user_id, device=value, before=remembered_of(call))
        if second is not None:
            keep_remembered(call, second)


def keep_remembered(call: Call, value: str) -> None:
    """Set the second cookie. The account decides how long it counts: other users of the browser may have one later."""
    call.set_cookie(cookies.REMEMBERED, value, max_age=int(remembered_devices.lifetime(call.work).total_seconds()))
