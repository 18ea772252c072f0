"""Users as the admin API shows them, with the attributes that the caller may see."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import Field

from provider.accounts import overview
from provider.accounts.attributes import values
from provider.accounts.attributes.values import UserAttribute
from provider.accounts.overview import Overview
from provider.accounts.store.terms_acceptances import Acceptance
from provider.accounts.users import NoSuchUser
from provider.api.bodies import Body
from provider.operators.authority import editor_of
from provider.work import UnitOfWork


class AcceptedTerms(Body):
    """The terms of service that a user accepted last."""

    version: str = Field(description="The version.")
    accepted_at: datetime = Field(description="When the user accepted it.")


class Account(Body):
    """A user."""

    id: str = Field(description="The user's ID (`sub` in tokens, except for pairwise subjects).")
    email: str | None = Field(None, description="The email address.")
    email_verified: bool = Field(description="Whether the email address is verified.")
    status: str = Field(
        description="`ACTIVE`, `INACTIVE` (not verified yet), `SUSPENDED`, or `LEAVING` (deletion requested)."
    )
    status_reason: str | None = Field(None, description="Why the user was suspended.")
    roles: list[str] = Field(description="The user's own roles. A role in one app has the form client_id:role.")
    groups: list[str] = Field(description="The groups that the user is a member of.")
    group_roles: list[str] = Field(description="The roles that the user has through groups.")
    two_factor: bool = Field(description="Whether two-factor authentication is on.")
    has_password: bool = Field(description="Whether the user has a password.")
    accepted_terms: AcceptedTerms | None = Field(
        None, description="The terms of service that the user accepted last. Absent without SIGNET_TERMS_VERSION."
    )
    created_at: datetime = Field(description="When the user was created.")
    updated_at: datetime = Field(description="When the user was last changed.")
    claims: dict[str, Any] = Field(description="The profile claims (OIDC Core section 5.1).")
    attributes: dict[str, Any] = Field(
        description="The values of declared attributes that the caller may see, by name. See GET /user-attributes."
    )
    attribute_problems: dict[str, str] = Field(
        description="The attributes whose values don't conform to the rules, which have changed, each with the reason."
    )


def describe_those(work: UnitOfWork, user_ids: Collection[str]) -> list[Account]:
    """Return these users as the caller sees them, without those that don't exist."""
    attributes = values.find_of_users(work, user_ids, seen_by=editor_of(work))
    return [_account(one, attributes[one.user.id]) for one in overview.describe(work, user_ids)]


def describe(work: UnitOfWork, user_id: str) -> Account:
    """Return a user as the caller sees them. Raises NoSuchUser."""
    found = describe_those(work, [user_id])
    if not found:
        raise NoSuchUser
    return found[0]


def _account(one: Overview, attributes: list[UserAttribute]) -> Account:
    return Account(
        id=one.user.id,
        email=one.email,
        email_verified=one.is_confirmed,
        status=one.user.status,
        status_reason=one.user.status_reason,
        roles=one.user.roles,
        groups=one.user.groups,
        group_roles=one.user.roles_of_groups,
        two_factor=one.two_factor,
        has_password=one.has_password,
        accepted_terms=_accepted_terms(one.accepted_terms),
        created_at=one.user.created_at,
        updated_at=one.user.updated_at,
        claims=one.user.claims,
        attributes=values.set_values(attributes),
        attribute_problems=values.problems_of(attributes),
    )


def _accepted_terms(acceptance: Acceptance | None) -> AcceptedTerms | None:
    if acceptance is None:
        return None
    return AcceptedTerms(version=acceptance.version, accepted_at=acceptance.accepted_at)
