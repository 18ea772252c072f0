"""Creating many users at once, each with everything that it brings along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provider.accounts.attributes import values
from provider.accounts.email.email_addresses import Address
from provider.accounts.groups.many_members import join_new
from provider.accounts.importing.moving import NOTHING, Moved, add_moved, create_missing_groups, unjoinable_groups
from provider.accounts.passwords.imported_hashes import stored_hash
from provider.accounts.registration import new_account
from provider.accounts.store import new_accounts
from provider.accounts.store.new_accounts import NewAccount
from provider.accounts.store.users import Status
from provider.audit.events import Event
from provider.audit.log import record_all
from provider.work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """A user to create, whose values are checked and whose address no other user has."""

    address: Address
    is_verified: bool
    roles: Sequence[str]
    claims: Mapping[str, Any]
    user_id: str
    password_hash: str | None
    groups: Sequence[str] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """The values of declared attributes, as `attributes.values.check_new` returned them."""
    moved: Moved = NOTHING

    @property
    def status(self) -> Status:
        if self.moved.suspended_because is not None:
            return Status.SUSPENDED
        return Status.ACTIVE if self.is_verified else Status.INACTIVE


def create_users(work: UnitOfWork, wanted: Sequence[NewUser]) -> dict[str, list[str]]:
    """Create the users, except those whose id another user has. Returns notes on what was skipped, by the ids of the
    users that were created.
    """
    added = new_accounts.add(work.db, [_account(work, one) for one in wanted], now=work.now)
    new = [one for one in wanted if one.user_id in added]
    record_all(
        work,
        Event.ACCOUNT_CREATED,
        {one.user_id: _given({"verified": one.is_verified, "source": one.moved.source or None}) for one in new},
    )
    suspended = [one for one in new if one.status is Status.SUSPENDED]
    record_all(
        work, Event.ACCOUNT_SUSPENDED, {one.user_id: {"reason": one.moved.suspended_because} for one in suspended}
    )
    unjoinable = unjoinable_groups(work, (name for one in new for name in one.moved.groups))
    roles_of = {name: one.moved.roles_of_groups.get(name, ()) for one in new for name in one.moved.groups}
    create_missing_groups(work, {name: roles for name, roles in roles_of.items() if name not in unjoinable})
    joins = {one.user_id: {*one.groups, *one.moved.groups} - unjoinable.keys() for one in new}
    for name in join_new(work, joins):  # deleted by another transaction meanwhile
        unjoinable[name] = f"Group {name} is skipped: it was deleted during the import."
    values.add_values_of(work, {one.user_id: one.attributes for one in new if one.attributes})
    for one in new:
        add_moved(work, one.user_id, one.moved)
    named = {one.user_id: [*one.groups, *one.moved.groups] for one in new}
    return {user_id: [unjoinable[name] for name in names if name in unjoinable] for user_id, names in named.items()}


def _account(work: UnitOfWork, one: NewUser) -> NewAccount:
    return new_account(
        work,
        one.address,
        None if one.password_hash is None else stored_hash(work, one.user_id, one.password_hash),
        status=one.status,
        verified=one.is_verified,
        roles=one.roles,
        claims=dict(one.claims),
        user_id=one.user_id,
        status_reason=one.moved.suspended_because,
    )


def _given(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value is not None}
