"""The operations on one user: create, show, change, suspend, restore and delete. `user_list` has the others."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from provider.accounts import invitation, profile, registration, suspension
from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Place
from provider.accounts.attributes.values import InvalidAttributes
from provider.accounts.email import email_addresses as addresses
from provider.accounts.email import operator_changes
from provider.accounts.email.email_addresses import AlreadyConfirmed
from provider.accounts.email.new_addresses import AddressTaken, NotAnAddress
from provider.accounts.email.operator_emails import NotNow
from provider.accounts.passwords.imported_hashes import UnsupportedHash
from provider.accounts.registration import IdTaken, NotAnId
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import users
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.accounts import Account, describe
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body, InvalidBody, Line
from provider.api.callers import Operator
from provider.api.endpoints.attributes import invalid_members
from provider.api.endpoints.profile import Editable, claims_of
from provider.api.validation import VISIBLE
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.operators import authority
from provider.operators.authority import LastAdministrator, editor_of
from provider.web.call import Call
from provider.work import UnitOfWork

Role = Annotated[str, Field(min_length=1, max_length=200, pattern=VISIBLE)]
"""A role name, or `client_id:role` for a role in one client."""
STAYS_VERIFIED = Text(
    "A verified email address can't be set to unverified. To have the user confirm a new address, use "
    "POST /users/{user_id}/email."
)


class NewAccount(Body):
    """A user to create."""

    email: str = Field(description="The email address. It is treated as verified.")
    roles: tuple[Role, ...] = Field((), description="The user's roles. For a role in one app, use client_id:role.")
    claims: Editable | None = Field(None, description="The profile claims.")
    attributes: dict[str, Any] = Field({}, description="The values of declared attributes, by name.")
    invite: bool = Field(False, description="Email the user an invitation with a link to set a password.")
    id: str | None = Field(
        None,
        description=(
            "The user's ID (`sub`) in their previous system: a UUID in lower case. If left out, one is generated."
        ),
        json_schema_extra={"format": "uuid"},
    )
    password_hash: str | None = Field(
        None,
        description=(
            "The user's password hash. $2b$ is one from another Signet: bcrypt of the Base64-encoded SHA-384 digest of "
            "the password (UTF-8, NFC). Its cost can be at most SIGNET_BCRYPT_COST. Write {bcrypt} before a bcrypt "
            "hash of the password itself. Argon2, scrypt, PBKDF2 and crypt are accepted too, up to a cost."
        ),
    )


class Change(Body):
    """The changes to a user. Members left out stay unchanged."""

    roles: tuple[Role, ...] | None = Field(None, description="All of the user's roles. They replace the current ones.")
    claims: Editable | None = Field(None, description="All of the profile claims. They replace the current ones.")
    attributes: dict[str, Any] = Field(
        {}, description="The values of declared attributes to change, by name. null removes one. Others stay unchanged."
    )
    email: str | None = Field(
        None,
        description=(
            "A new email address. It is treated as verified. To have the user confirm it instead, use "
            "POST /users/{user_id}/email."
        ),
    )
    email_verified: bool | None = Field(None, description="Send true to mark the email address as verified.")


class Suspension(Body):
    """Why the user is suspended."""

    reason: Line | None = Field(None, max_length=200, description="The reason, for operators. The user doesn't see it.")


USER = Resource(
    lambda call: users.lock(call.work.db, user_id_of(call)), lambda call: describe(call.work, user_id_of(call))
)


@by_operator(
    needs=Permission.USERS_WRITE,
    of=USER,
    takes=NewAccount,
    gives=Account,
    status=201,
    problems=(NotAnAddress, AddressTaken, IdTaken, NotNow, UnsupportedHash),
)
def create_user(call: Call, operator: Operator, body: NewAccount) -> Account:
    """Create a user. The user is active. Without `password_hash` they have no password: they set one with a link
    (`invite` or POST /users/{user_id}/links), or sign in with an upstream provider.
    """
    work, claims = call.work, {} if body.claims is None else claims_of(body.claims)
    authority.require_roles(operator.permissions, body.roles)
    if body.invite and body.password_hash is not None:
        raise InvalidBody(
            [
                {
                    "member": "invite",
                    "problem": Text(
                        "Send either invite or password_hash. A user with a password_hash doesn't need an invitation."
                    ),
                }
            ]
        )
    try:
        attributes = values.check_new(work, body.attributes, editor=editor_of(work), place=Place.ADMIN)
        if body.invite:
            user_id = invitation.invite(work, email=body.email, roles=body.roles, claims=claims, user_id=body.id)
        else:
            user_id = registration.create_user(
                work,
                email=body.email,
                password=None,
                verified=True,
                roles=body.roles,
                claims=claims,
                user_id=body.id,
                password_hash=body.password_hash,
            )
    except NotAnId as refusal:
        raise InvalidBody([{"member": "id", "problem": refusal.message}]) from None
    except InvalidAttributes as refusal:
        raise invalid_members(refusal, "attributes") from None
    values.add_values(work, user_id=user_id, values=attributes)
    return describe(work, user_id)


@by_operator(needs=Permission.USERS_READ, of=USER, gives=Account, problems=(NoSuchUser,))
def show_user(call: Call, _operator: Operator, _body: Body) -> Account:
    """Get a user."""
    return describe(call.work, user_id_of(call))


@by_operator(
    needs=Permission.USERS_WRITE,
    of=USER,
    takes=Change,
    gives=Account,
    problems=(NoSuchUser, AlreadyConfirmed, NotAnAddress, AddressTaken, LastAdministrator),
)
def change_user(call: Call, operator: Operator, body: Change) -> Account:
    """Update a user. You can change roles, claims, attributes and email address, and mark the address as verified."""
    work, user_id = call.work, user_id_of(call)
    if body.email_verified is False:
        raise InvalidBody([{"member": "email_verified", "problem": STAYS_VERIFIED}])
    claims = None if body.claims is None else claims_of(body.claims)
    _change_attributes(work, user_id, body.attributes)
    if body.email is not None:
        operator_changes.set_address(work, user_id=user_id, email=body.email)  # and verified, whatever it says
    elif body.email_verified:
        addresses.verify_by_operator(work, user_id=user_id)
    if body.roles is not None:
        authority.set_roles(work, operator.permissions, user_id=user_id, roles=body.roles)
    if claims is not None:
        profile.change_profile(work, user_id=user_id, claims=claims)
    return describe(work, user_id)


@by_operator(needs=Permission.USERS_WRITE, of=USER, problems=(NoSuchUser, LastAdministrator))
def delete_user(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a user. The account and all its data are deleted immediately. Audit events are kept."""
    authority.delete(call.work, user_id=user_id_of(call))


@by_operator(needs=Permission.USERS_WRITE, of=USER, takes=Suspension, problems=(NoSuchUser, LastAdministrator))
def suspend_user(call: Call, _operator: Operator, body: Suspension) -> None:
    """Suspend a user. Their sessions, tokens and links end, and don't come back when you restore the user."""
    authority.suspend(call.work, user_id=user_id_of(call), reason=body.reason)


@by_operator(needs=Permission.USERS_WRITE, of=USER, problems=(NoSuchUser,))
def restore_user(call: Call, _operator: Operator, _body: Body) -> None:
    """Restore a suspended user. They can then sign in again."""
    suspension.restore(call.work, user_id=user_id_of(call))


def user_id_of(call: Call) -> str:
    """Return the id of the user named by the path. Raises NoSuchUser."""
    user_id = parse_id(call.path_params["user_id"])
    user = None if user_id is None else users.find(call.work.read, user_id)
    if user is None:
        raise NoSuchUser
    return user.id


def _change_attributes(work: UnitOfWork, user_id: str, given: Mapping[str, Any]) -> None:
    try:
        values.change_values(work, user_id=user_id, given=given, editor=editor_of(work), place=Place.ADMIN)
    except InvalidAttributes as refusal:
        raise invalid_members(refusal, "attributes") from None
