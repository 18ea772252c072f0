"""The user operations: find by id, email address or linked identity; create, update, suspend, restore and delete."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from provider.accounts import invitation, overview, profile, registration, search, suspension
from provider.accounts import users as rules
from provider.accounts.email import email_addresses as addresses
from provider.accounts.email import operator_changes
from provider.accounts.email.email_addresses import AlreadyConfirmed
from provider.accounts.email.operator_emails import NotNow
from provider.accounts.overview import Overview
from provider.accounts.passwords.passwords import UnsupportedHash
from provider.accounts.registration import AddressTaken, IdTaken, NotAnAddress
from provider.accounts.store import email_addresses, linked_identities, users
from provider.accounts.users import NoSuchUser
from provider.admin.filters import asked_text
from provider.admin.operation import Resource, by_operator
from provider.admin.paging import NEXT, PAGED, asked_page, next_of
from provider.api.bodies import Body, InvalidBody, Line
from provider.api.callers import Operator
from provider.api.endpoints.profile import Editable, claims_of
from provider.database.base import is_id, parse_id
from provider.languages.text import Text
from provider.web.call import Call
from provider.work import UnitOfWork

Role = Annotated[str, Field(min_length=1, max_length=200, pattern="^[!-~]+$")]
"""A role name, or `client_id:role` for a role in one client."""
WANTED = {
    "email": "Whoever this address stands for.",
    "issuer": "With `subject`: whoever signs in with this identity of an upstream provider.",
    "subject": "With `issuer`.",
    "search": "The beginning of an address or of a word of the name; in the order of what was found.",
    **PAGED,
}

NOT_AN_ID = Text("Enter a UUID in lower case, like 0192d3a8-5f2e-7c31-9c4e-1f0a2b3c4d5e.")
STAYS_VERIFIED = Text(
    "A verified email address can't be set to unverified. To have the user confirm a new address, use "
    "POST /users/{user_id}/email."
)


class Account(Body):
    id: str = Field(description="The public `sub`.")
    email: str | None = None
    email_verified: bool
    status: str = Field(description="INACTIVE, ACTIVE, SUSPENDED or LEAVING.")
    status_reason: str | None = None
    roles: list[str]
    two_factor: bool
    has_password: bool
    created_at: datetime
    updated_at: datetime
    claims: dict[str, Any] = Field(description="What the person says about themselves (OIDC Core section 5.1).")


class Accounts(Body):
    users: list[Account]
    next: str | None = Field(None, description=NEXT)


class NewAccount(Body):
    email: str = Field(description="The operator answers for it: it counts as verified.")
    roles: tuple[Role, ...] = ()
    claims: Editable | None = None
    invite: bool = Field(False, description="Email a link to choose the password.")
    id: str | None = Field(
        None,
        description=(
            "The user's id (`sub`) in the system they move from, a UUID in lower case. Left out, a new one is made."
        ),
        json_schema_extra={"format": "uuid"},
    )
    password_hash: str | None = Field(
        None,
        description=(
            "The hash of the user's password as another Signet has it: bcrypt ($2b$) over the Base64 text of the "
            "SHA-384 digest of the password in UTF-8, NFC. Its cost is at most SIGNET_BCRYPT_COST. Other hashes are "
            "refused. A bcrypt hash of the password itself looks the same, but no password matches it here."
        ),
    )


class Change(Body):
    """The members of a user to change. A member left out stays unchanged."""

    roles: tuple[Role, ...] | None = None
    claims: Editable | None = Field(None, description="In the place of all that was said before.")
    email: str | None = Field(
        None,
        description=(
            "Another address, which counts as verified: the operator answers for it. Without the user's confirmation; "
            "POST /users/{user_id}/email asks for it."
        ),
    )
    email_verified: bool | None = Field(None, description="true: the operator answers for the address.")


class Suspension(Body):
    reason: Line | None = Field(None, max_length=200, description="For operators; the person is not told.")


USER = Resource(
    lambda call: users.lock(call.work.db, user_id_of(call)), lambda call: describe(call.work, user_id_of(call))
)


@by_operator(reads=True, gives=Accounts, asks=WANTED)
def find_users(call: Call, _operator: Operator, _body: Body) -> Accounts:
    """Find users: by email address or linked identity, those a search matches, or all. Lists are paged. An address that
    nobody owns finds every user who signed up with it.
    """
    work, query = call.work, call.query
    if "email" in query:
        return _by_address(work, query["email"])
    if "issuer" in query or "subject" in query:
        issuer, subject = asked_text(call, "issuer") or "", asked_text(call, "subject") or ""
        identity = linked_identities.find(work.read, issuer, subject)
        return _one(work, None if identity is None else identity.user_id)
    if "search" in query:
        return _search(call, asked_text(call, "search") or "")
    page = asked_page(call, "users")
    found = users.find_page(work.read, after=None if page.after is None else page.after["id"], limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    return Accounts(
        users=[_account(one) for one in overview.describe(work, [user.id for user in shown])],
        next=next_of(call, "users", id=shown[-1].id) if more else None,
    )


@by_operator(
    of=USER,
    takes=NewAccount,
    gives=Account,
    status=201,
    problems=(NotAnAddress, AddressTaken, IdTaken, NotNow, UnsupportedHash),
)
def create_user(call: Call, _operator: Operator, body: NewAccount) -> Account:
    """Create an active user. Without a `password_hash` the user has no password, and sets one with a link (`invite`,
    `links`) or signs in with an upstream provider.
    """
    work, claims = call.work, {} if body.claims is None else claims_of(body.claims)
    if body.id is not None and not is_id(body.id):
        raise InvalidBody([{"member": "id", "problem": NOT_AN_ID}])
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
    return describe(call.work, user_id)


@by_operator(reads=True, of=USER, gives=Account, problems=(NoSuchUser,))
def show_user(call: Call, _operator: Operator, _body: Body) -> Account:
    """Get a user."""
    return describe(call.work, user_id_of(call))


@by_operator(of=USER, takes=Change, gives=Account, problems=(NoSuchUser, AlreadyConfirmed, NotAnAddress, AddressTaken))
def change_user(call: Call, _operator: Operator, body: Change) -> Account:
    """Update a user's roles, claims or email address, or mark the email address as verified."""
    work, user_id = call.work, user_id_of(call)
    if body.email_verified is False:
        raise InvalidBody([{"member": "email_verified", "problem": STAYS_VERIFIED}])
    claims = None if body.claims is None else claims_of(body.claims)
    if body.email is not None:
        operator_changes.set_address(work, user_id=user_id, email=body.email)  # and verified, whatever it says
    elif body.email_verified:
        addresses.verify_by_operator(work, user_id=user_id)
    if body.roles is not None:
        rules.set_roles(work, user_id=user_id, roles=body.roles)
    if claims is not None:
        profile.change_profile(work, user_id=user_id, claims=claims)
    return describe(work, user_id)


@by_operator(of=USER, problems=(NoSuchUser,))
def delete_user(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a user and everything that belongs to them, immediately. Audit events are kept."""
    rules.delete_user(call.work, user_id=user_id_of(call))


@by_operator(of=USER, takes=Suspension, problems=(NoSuchUser,))
def suspend_user(call: Call, _operator: Operator, body: Suspension) -> None:
    """Suspend a user. Their sessions, tokens and links end and do not come back when the user is restored."""
    suspension.suspend(call.work, user_id=user_id_of(call), reason=body.reason)


@by_operator(of=USER, problems=(NoSuchUser,))
def restore_user(call: Call, _operator: Operator, _body: Body) -> None:
    """Restore a suspended user, who can then sign in again."""
    suspension.restore(call.work, user_id=user_id_of(call))


def user_id_of(call: Call) -> str:
    """Return the id of the user named by the path. Raises NoSuchUser."""
    user_id = parse_id(call.path_params["user_id"])
    user = None if user_id is None else users.find(call.work.read, user_id)
    if user is None:
        raise NoSuchUser
    return user.id


def describe(work: UnitOfWork, user_id: str) -> Account:
    """Return a user as the admin API shows them. Raises NoSuchUser."""
    return _account(overview.describe_one(work, user_id))


def _account(one: Overview) -> Account:
    return Account(
        id=one.user.id,
        email=one.email,
        email_verified=one.is_confirmed,
        status=one.user.status,
        status_reason=one.user.status_reason,
        roles=one.user.roles,
        two_factor=one.two_factor,
        has_password=one.has_password,
        created_at=one.user.created_at,
        updated_at=one.user.updated_at,
        claims=one.user.claims,
    )


def _search(call: Call, text: str) -> Accounts:
    page = asked_page(call, "users/search")
    after = None if page.after is None else (page.after["key"], page.after["id"])
    found, further = search.find_page(call.work, text, after=after, limit=page.limit)
    return Accounts(
        users=[_account(one) for one in overview.describe(call.work, found)],
        next=None if further is None else next_of(call, "users/search", key=further[0], id=further[1]),
    )


def _one(work: UnitOfWork, user_id: str | None) -> Accounts:
    return Accounts(users=[] if user_id is None else [describe(work, user_id)])


def _by_address(work: UnitOfWork, text: str) -> Accounts:
    """Return the owner of the address, or else every user who signed up with it."""
    address = addresses.parse_address(text)
    if address is None:
        return Accounts(users=[])
    owner, _ = email_addresses.find_rivals(work.read, address.normal)
    found = email_addresses.find_claims(work.read, address.normal) if owner is None else [owner]
    return Accounts(users=[describe(work, user.id) for user, _ in found])
