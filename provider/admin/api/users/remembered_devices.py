"""The devices on which a user is not asked for the second factor: list them, and remove one."""

from provider.accounts.factors.remembered_devices import NoSuchRememberedDevice
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.api.endpoints.remembered_devices import RememberedDevices, remembered_devices_of, remove
from provider.web.call import Call


@by_operator(needs=Permission.USERS_READ, gives=RememberedDevices, problems=(NoSuchUser,))
def list_remembered_devices(call: Call, _operator: Operator, _body: Body) -> RememberedDevices:
    """List a user's remembered devices. The user chose not to be asked for the second factor there. The latest comes
    first.
    """
    return remembered_devices_of(call, user_id_of(call))


@by_operator(needs=Permission.USERS_WRITE, problems=(NoSuchUser, NoSuchRememberedDevice))
def remove_remembered_device(call: Call, _operator: Operator, _body: Body) -> None:
    """Remove a user's remembered device. The next sign-in there asks for the second factor. Its sessions stay."""
    remove(call, user_id_of(call))
