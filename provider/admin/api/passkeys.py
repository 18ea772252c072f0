"""The passkeys of a user: list them, and remove one."""

from datetime import datetime

from pydantic import Field

from provider.accounts.factors import passkeys as rules
from provider.accounts.factors import removal
from provider.accounts.factors.authenticators import find_name
from provider.accounts.factors.passkeys import NoSuchPasskey, OnlySecondFactor
from provider.accounts.factors.store.passkeys import Passkey as StoredPasskey
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.database.base import parse_id
from provider.web.call import Call


class Passkey(Body):
    """A passkey of a user."""

    id: str = Field(description="The passkey's ID.")
    name: str = Field(description="The name that the user gave it.")
    authenticator: str | None = Field(
        None, description="What it is kept in, for example a password manager. Absent if that is unknown."
    )
    synced: bool = Field(description="Whether it can be on several devices.")
    created_at: datetime = Field(description="When it was added.")
    last_used_at: datetime | None = Field(None, description="When it was last used. Absent if it never was.")


class Passkeys(Body):
    """A user's passkeys."""

    passkeys: list[Passkey] = Field(description="The passkeys, the oldest first.")


def _describe(passkey: StoredPasskey) -> Passkey:
    return Passkey(
        id=passkey.id,
        name=passkey.name,
        authenticator=find_name(passkey.aaguid),
        synced=passkey.is_synced,
        created_at=passkey.created_at,
        last_used_at=passkey.last_used_at,
    )


@by_operator(needs=Permission.USERS_READ, gives=Passkeys, problems=(NoSuchUser,))
def list_passkeys(call: Call, _operator: Operator, _body: Body) -> Passkeys:
    """List a user's passkeys. The oldest comes first."""
    return Passkeys(passkeys=[_describe(one) for one in rules.find_of_user(call.work, user_id_of(call))])


@by_operator(needs=Permission.USERS_WRITE, problems=(NoSuchUser, NoSuchPasskey, OnlySecondFactor))
def remove_passkey(call: Call, _operator: Operator, _body: Body) -> None:
    """Remove a user's passkey. Use this if its device was lost or stolen. It can be their only way to sign in. All of
    their sessions and tokens end, and they are notified by email.
    """
    user_id, passkey_id = user_id_of(call), parse_id(call.path_params["passkey_id"])
    if passkey_id is None:
        raise NoSuchPasskey
    removal.remove_passkey(call.work, user_id=user_id, passkey_id=passkey_id)
