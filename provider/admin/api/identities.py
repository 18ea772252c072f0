"""The identities at upstream providers that a user can sign in with: list, link and unlink them."""

from datetime import datetime

from pydantic import Field

from provider.accounts import linked_identities as rules
from provider.accounts.linked_identities import LastWayIn, LinkedElsewhere
from provider.accounts.registration import NoSuchUser
from provider.accounts.store import linked_identities
from provider.admin.api.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body, Words
from provider.api.callers import Operator
from provider.web.call import Call


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


@by_operator(problems=(NoSuchUser, LastWayIn))
def unlink_identity(call: Call, _operator: Operator, _body: Body) -> None:
    """Unlink an identity from a user, so that it can no longer be used to sign in. The user is notified by email."""
    identity_id = call.path_params["identity_id"]
    rules.unlink(call.work, user_id=user_id_of(call), identity_id=identity_id, name_of=str)


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
