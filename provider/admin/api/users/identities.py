"""The identities at upstream providers that a user can sign in with: list, link and unlink them."""

from datetime import datetime

from pydantic import Field

from provider.accounts import linked_identities as rules
from provider.accounts.linked_identities import LastSignInMethod, LinkedElsewhere, NoSuchIdentity
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import linked_identities
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.filters import query_flag
from provider.admin.operation import by_operator
from provider.api.bodies import Body, Words
from provider.api.callers import Operator
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.web.call import Call

FORCE = "Send `true` to unlink the identity even if the user can't sign in afterwards."
LAST_OF_USER = Text(
    "This is the user's only way to sign in. To unlink it anyway, send force=true, then email the user a link to set a "
    "password."
)


class Identity(Body):
    """An account at an upstream provider, with which the user can sign in."""

    id: str = Field(description="The identity's ID.")
    issuer: str = Field(description="The issuer of the upstream provider.")
    subject: str = Field(description="The user's `sub` at the upstream provider.")
    email: str | None = Field(None, description="The email address at the upstream provider when it was linked.")
    created_at: datetime = Field(description="When the identity was linked.")
    last_used_at: datetime = Field(description="When the user last signed in with it.")


class Identities(Body):
    """A user's linked identities."""

    identities: list[Identity] = Field(description="The identities, the oldest first.")


class NewIdentity(Body):
    """An identity to link."""

    issuer: Words = Field(min_length=1, max_length=255, description="The issuer of the upstream provider.")
    subject: Words = Field(min_length=1, max_length=255, description="The user's `sub` at the upstream provider.")
    email: Words | None = Field(None, max_length=254, description="The email address at the upstream provider.")


@by_operator(needs=Permission.USERS_READ, gives=Identities, problems=(NoSuchUser,))
def list_identities(call: Call, _operator: Operator, _body: Body) -> Identities:
    """List a user's linked identities. The oldest comes first."""
    return _all(call, user_id_of(call))


@by_operator(
    needs=Permission.USERS_WRITE,
    takes=NewIdentity,
    gives=Identities,
    status=201,
    problems=(NoSuchUser, LinkedElsewhere),
)
def link_identity(call: Call, _operator: Operator, body: NewIdentity) -> Identities:
    """Link an identity to a user. The user can then sign in with it, and is notified by email."""
    user_id = user_id_of(call)
    rules.link(call.work, user_id=user_id, issuer=body.issuer, subject=body.subject, email=body.email, name=body.issuer)
    return _all(call, user_id)


@by_operator(
    needs=Permission.USERS_WRITE, problems=(NoSuchUser, NoSuchIdentity, LastSignInMethod), asks={"force": FORCE}
)
def unlink_identity(call: Call, _operator: Operator, _body: Body) -> None:
    """Unlink an identity from a user. The user can no longer sign in with it, and is notified by email. The user's only
    way to sign in is unlinked only with `force`.
    """
    user_id, identity_id = user_id_of(call), parse_id(call.path_params["identity_id"])
    force = query_flag(call, "force")
    if identity_id is None:
        raise NoSuchIdentity
    try:
        rules.unlink(call.work, user_id=user_id, identity_id=identity_id, name_of=str, force=force)
    except LastSignInMethod:
        raise LastSignInMethod(LAST_OF_USER) from None


def _all(call: Call, user_id: str) -> Identities:
    return Identities(
        identities=[
            Identity(
                id=one.id,
                issuer=one.issuer,
                subject=one.subject,
                email=one.email,
                created_at=one.created_at,
                last_used_at=one.last_used_at,
            )
            for one in linked_identities.find_of_user(call.work.read, user_id)
        ]
    )
