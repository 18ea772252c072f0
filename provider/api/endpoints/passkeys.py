"""The user's passkeys: list them, and remove one. They are added in a browser, on the pages of the account."""

from datetime import datetime

from pydantic import Field

from provider.accounts.factors import passkeys as rules
from provider.accounts.factors.authenticators import find_name
from provider.accounts.factors.passkeys import LastPasskey, NoSuchPasskey, OnlySecondFactor
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import require_confirmed
from provider.api.operation import by_person
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.database.base import parse_id
from provider.web.call import Call
from provider.work import UnitOfWork


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


def passkeys_of(work: UnitOfWork, user_id: str) -> Passkeys:
    return Passkeys(
        passkeys=[
            Passkey(
                id=one.id,
                name=one.name,
                authenticator=find_name(one.aaguid),
                synced=one.is_synced,
                created_at=one.created_at,
                last_used_at=one.last_used_at,
            )
            for one in rules.find_of_user(work, user_id)
        ]
    )


@by_person(gives=Passkeys)
def list_passkeys(call: Call, bearer: Bearer, _body: Body) -> Passkeys:
    """List passkeys. The oldest comes first. Users add passkeys in a browser, at `/account/passkeys`."""
    return passkeys_of(call.work, bearer.user_id)


@by_person(problems=(ConfirmationNeeded, SecondFactorNeeded, NoSuchPasskey, LastPasskey, OnlySecondFactor))
def remove_passkey(call: Call, bearer: Bearer, _body: Body) -> None:
    """Remove a passkey. The user can no longer sign in with it, and is notified by email."""
    require_confirmed(call.work, bearer)
    passkey_id = parse_id(call.path_params["passkey_id"])
    if passkey_id is None:
        raise NoSuchPasskey
    rules.remove(call.work, user_id=bearer.user_id, passkey_id=passkey_id)
