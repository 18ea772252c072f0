"""What an upstream's claims mean here: roles, replaced at each sign-in, and profile fields, of a new account or at each
sign-in.
"""

from collections.abc import Mapping
from typing import Any

from provider.accounts import profile
from provider.accounts import users as accounts
from provider.accounts.profile import parse_profile
from provider.accounts.store import users
from provider.accounts.store.users import User
from provider.federation.store import granted_roles
from provider.federation.upstream_settings import UpstreamSettings
from provider.work import UnitOfWork

MOST_VALUES = 1000
"""The most values of a claim that are looked at."""


def value_of(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its name, or by its path with dots, or None."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def roles_of(settings: UpstreamSettings, claims: Mapping[str, Any]) -> set[str]:
    """Return the roles that these claims give. Values without a role here give none."""
    found = value_of(claims, settings.roles_claim or "")
    values = found if isinstance(found, list) else [found]
    return {settings.roles[one] for one in values[:MOST_VALUES] if isinstance(one, str) and one in settings.roles}


def fields_of(settings: UpstreamSettings, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapped profile fields of a new account. A value that the profile does not accept is left out."""
    given = {field: value_of(claims, path) for field, path in settings.claims.items()}
    fields, _ = parse_profile({field: value for field, value in given.items() if isinstance(value, str)})
    return fields


def update_profile(work: UnitOfWork, settings: UpstreamSettings, user_id: str, claims: Mapping[str, Any]) -> None:
    """Replace the mapped fields of a profile where the operator says so. A field without a valid value stays."""
    if settings.updates_profile and (fields := fields_of(settings, claims)):
        profile.change_fields(work, user_id=user_id, fields=fields)


def replace_roles(work: UnitOfWork, settings: UpstreamSettings, issuer: str, user: User, wanted: set[str]) -> User:
    """Replace the roles that the user has by this issuer; return the user. Roles that operators or other issuers gave
    stay.
    """
    if settings.roles_claim is None or not users.lock(work.db, user.id):
        return user
    user = users.find(work.db, user.id) or user
    granted = granted_roles.find(work.db, user.id)
    mine = {role for by, role in granted if by == issuer}
    others = {role for by, role in granted if by != issuer}
    by_operators = set(user.roles) - mine - others
    has = by_operators | others | wanted
    if mine != wanted - by_operators:
        granted_roles.replace(work.db, user.id, issuer, wanted - by_operators)
    if has != set(user.roles):
        accounts.set_roles(work, user_id=user.id, roles=sorted(has))
    return users.find(work.db, user.id) or user
