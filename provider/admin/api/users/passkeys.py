"""The passkeys of a user: list them, and remove one."""

from provider.accounts.factors import removal
from provider.accounts.factors.passkeys import NoSuchPasskey, OnlySecondFactor
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.api.endpoints.passkeys import Passkeys, passkeys_of
from provider.database.base import parse_id
from provider.web.call import Call


@by_operator(needs=Permission.USERS_READ, gives=Passkeys, problems=(NoSuchUser,))
def list_passkeys(call: Call, _operator: Operator, _body: Body) -> Passkeys:
    """List a user's passkeys. The oldest comes first."""
    return passkeys_of(call.work, user_id_of(call))


@by_operator(needs=Permission.USERS_WRITE, problems=(NoSuchUser, NoSuchPasskey, OnlySecondFactor))
def remove_passkey(call: Call, _operator: Operator, _body: Body) -> None:
    """Remove a user's passkey. Use this if its device was lost or stolen. It can be their only way to sign in. All of
    their sessions and tokens end, and they are notified by email.
    """
    user_id, passkey_id = user_id_of(call), parse_id(call.path_params["passkey_id"])
    if passkey_id is None:
        raise NoSuchPasskey
    removal.remove_passkey(call.work, user_id=user_id, passkey_id=passkey_id)
