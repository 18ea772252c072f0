"""Accounts that exist: find one by id or address, replace its roles, delete it."""

import uuid
from collections.abc import Sequence

from provider.accounts.access import Cause, end_access
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.roles.names import require_role_names
from provider.accounts.store import email_addresses, users
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.refusals import NotFound, Refusal
from provider.signals import publish as signals
from provider.work import UnitOfWork


class NoSuchUser(NotFound):
    code = "no-such-user"
    title = Text("User not found")
    message = Text("This user does not exist.")


class AmbiguousAddress(Refusal):
    """Several users signed up with an address, and none of them owns it."""

    code = "ambiguous-address"
    status_code = 409


def find_user(work: UnitOfWork, ref: str) -> User | None:
    """Return the user with this id or email address, or None."""
    try:
        return users.find(work.read, str(uuid.UUID(ref)))
    except ValueError:
        address = parse_address(ref)
    owner = None if address is None else email_addresses.find_owner(work.read, address.normal)
    return None if owner is None else owner[0]


def get_user(work: UnitOfWork, ref: str) -> User:
    """Find a user by id or by address. Raises NoSuchUser, which names `ref`, or AmbiguousAddress.

    Anyone can sign up with an address: where nobody owns it, an operator must not act on the latest claim by mistake.
    """
    user, address = find_user(work, ref), parse_address(ref)
    if user is None:
        raise NoSuchUser(f"There is no user {ref}.")
    if address is not None and email_addresses.find_owner_and_claimant(work.read, address.normal)[0] is None:
        claims = email_addresses.find_claims(work.read, address.normal)
        if len(claims) > 1:
            ids = ", ".join(claimant.id for claimant, _ in claims)
            raise AmbiguousAddress(f"Several accounts signed up with {ref} and none has confirmed it. Use an id: {ids}")
    return user


def delete_user(work: UnitOfWork, *, user_id: str) -> None:
    """Delete the account and everything that belongs to it; audit events stay. Raises NoSuchUser."""
    # First: applications are told while we know of them.
    end_access(work, user_id=user_id, cause=Cause.DELETED)
    signals.user_purged(work, user_id)
    if not users.remove(work.db, user_id):
        raise NoSuchUser
    record(work, Event.ACCOUNT_DELETED, user_id=user_id)


def set_roles(work: UnitOfWork, *, user_id: str, roles: Sequence[str]) -> None:
    """Replace the user's roles with exactly these. Raises NoSuchUser or InvalidRole."""
    require_role_names(roles)
    before, now = users.find(work.db, user_id), sorted(set(roles))
    if before is None or not users.set_roles(work.db, user_id, now, now=work.now):
        raise NoSuchUser
    record(work, Event.ROLES_CHANGED, user_id=user_id, before={"roles": sorted(before.roles)}, after={"roles": now})
