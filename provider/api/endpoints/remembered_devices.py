"""The devices on which the user is not asked for the second factor: list them, and remove one."""

from datetime import datetime

from pydantic import Field

from provider.accounts.factors import remembered_devices as rules
from provider.accounts.factors.remembered_devices import NoSuchRememberedDevice
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.audit.devices import device_name
from provider.database.base import parse_id
from provider.web.call import Call


class RememberedDevice(Body):
    """A device on which the user is not asked for the second factor."""

    id: str = Field(description="The device's ID.")
    device: str = Field(description="Browser and operating system, derived from the User-Agent header.")
    network: str | None = Field(None, description="The network of the last sign-in there. Absent if that is unknown.")
    created_at: datetime = Field(description="When the user chose not to be asked again.")
    last_used_at: datetime = Field(description="When the user last signed in there.")
    expires_at: datetime = Field(description="From when on the second factor is asked for again.")


class RememberedDevices(Body):
    """The devices on which a user is not asked for the second factor."""

    devices: list[RememberedDevice] = Field(description="The devices, the latest first.")


def remembered_devices_of(call: Call, user_id: str) -> RememberedDevices:
    return RememberedDevices(
        devices=[
            RememberedDevice(
                id=known.id,
                device=call.language.say(device_name(known.user_agent or "")),
                network=known.network,
                created_at=one.created_at,
                last_used_at=known.last_used_at,
                expires_at=one.expires_at,
            )
            for known, one in rules.find_of_user(call.work, user_id)
        ]
    )


def remove(call: Call, user_id: str) -> None:
    """Remove the device that the path names. Raises NoSuchRememberedDevice."""
    device_id = parse_id(call.path_params["device_id"])
    if device_id is None:
        raise NoSuchRememberedDevice
    rules.forget(call.work, user_id=user_id, device_id=device_id)


@by_person(gives=RememberedDevices)
def list_remembered_devices(call: Call, bearer: Bearer, _body: Body) -> RememberedDevices:
    """List remembered devices. The user chose not to be asked for the second factor there. The latest comes first."""
    return remembered_devices_of(call, bearer.user_id)


@by_person(problems=(NoSuchRememberedDevice,))
def remove_remembered_device(call: Call, bearer: Bearer, _body: Body) -> None:
    """Remove a remembered device. The next sign-in there asks for the second factor. Its sessions stay."""
    remove(call, bearer.user_id)
