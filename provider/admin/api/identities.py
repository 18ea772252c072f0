"""The identities at upstream providers that a user can sign in with: list, link and unlink them."""

from datetime import datetime

from pydantic import Field

from provider.accounts import linked_identities as rules
from provider.accounts.linked_identities import LastWayIn, LinkedElsewhere, NoSuchIdentity
from provider.accounts.store import linked_identities
from provider.accounts.users import NoSuchUser
from provider.admin.api.users import user_id_of
from provider.admin.filters import asked_flag
from provider.admin.operation import by_operator
from provider.api.bodies import Body, Words
from provider.api.callers import Operator
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.web.call import Call

FORCE = "`true`: also if the user could not sign in any more."
LAST_OF_USER = Text(
    "This is the user's only way to sign in. To unlink it anyway, send force=true, then email the user a link to set a "
    "password."
)


class Identity(Body):
    id: str
    issuer: str
    subject: str
    email: str | None = Field(None, description="As the upstream told it when it was linked.")
    created_at: datetime
    last_used_at: datetime


class Identities(Body):
    identities: list[Identity]


class NewIdentity(Body):
    issuer: Words = Field(min_length=1, max_length=255)
    subject: Words = Field(min_length=1, max_length=255)
    email: Words | None = Field(None, max_length=254)


@by_operator(reads=True, gives=Identities, problems=(NoSuchUser,))
def list_identities(call: Call, _operator: Operator, _body: Body) -> Identities:
    """List the identities linked to a user, the oldest first."""
    return _all(call, user_id_of(call))


@by_operator(takes=NewIdentity, gives=Identities, status=201, problems=(NoSuchUser, LinkedElsewhere))
def link_identity(call: Call, _operator: Operator, body: NewIdentity) -> Identities:
    """Link an identity to a user, which can then be used to sign in. The user is notified by email."""
    user_id = user_id_of(call)
    rules.link(call.work, user_id=user_id, issuer=body.issuer, subject=body.subject, email=body.email, name=body.issuer)
    return _all(call, user_id)


@by_operator(problems=(NoSuchUser, NoSuchIdentity, LastWayIn), asks={"force": FORCE})
def unlink_identity(call: Call, _operator: Operator, _body: Body) -> None:
    """Unlink an identity from a user, so that it can no longer be used to sign in. The user is notified by email. The
    only way to sign in is unlinked with `force` alone.
    """
    user_id, identity_id = user_id_of(call), parse_id(call.path_params["identity_id"])
    force = asked_flag(call, "force")
    if identity_id is None:
        raise NoSuchIdentity
    try:
        rules.unlink(call.work, user_id=user_id, identity_id=identity_id, name_of=str, force=force)
    except LastWayIn:
        raise LastWayIn(LAST_OF_USER) from None


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
