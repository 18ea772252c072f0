"""What an upstream's claims mean here: roles and groups, replaced at each sign-in, and profile fields and attributes of
a new account or at each sign-in.
"""

from collections.abc import Mapping
from typing import Any

from provider.accounts import profile
from provider.accounts import users as accounts
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import change_values, keep_valid
from provider.accounts.groups.members import join_and_leave
from provider.accounts.groups.names import is_group_name
from provider.accounts.profile import parse_profile
from provider.accounts.roles.permissions import permissions_of
from provider.accounts.store import groups as groups_store
from provider.accounts.store import users
from provider.accounts.store.users import User
from provider.federation.mapping_settings import SAME
from provider.federation.store import granted_groups, granted_roles
from provider.federation.upstream_settings import UpstreamSettings
from provider.observability.logging import log
from provider.work import UnitOfWork

MOST_VALUES = 1000
"""The most values of a claim that are looked at."""
MOST_LOGGED = 20
"""The most names of groups in a line of the log."""


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
    return {settings.roles[one] for one in texts_of(claims, settings.roles_claim) if one in settings.roles}


def texts_of(claims: Mapping[str, Any], path: str | None) -> list[str]:
    """Return the texts of a claim with one or several, the first MOST_VALUES."""
    found = None if path is None else value_of(claims, path)
    values = found if isinstance(found, list) else [found]
    return [one for one in values[:MOST_VALUES] if isinstance(one, str)]


def fields_of(settings: UpstreamSettings, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapped profile fields of a new account. A value that the profile does not accept is left out."""
    given = {field: value_of(claims, path) for field, path in settings.profile_claims.items()}
    fields, _ = parse_profile({field: value for field, value in given.items() if isinstance(value, str)})
    return fields


def update_profile(work: UnitOfWork, settings: UpstreamSettings, user_id: str, claims: Mapping[str, Any]) -> None:
    """Replace the mapped fields of a profile where the operator says so. A field without a valid value stays."""
    if not settings.updates_profile:
        return
    if fields := fields_of(settings, claims):
        profile.change_fields(work, user_id=user_id, fields=fields)
    update_attributes(work, settings, user_id, claims)


def attributes_of(work: UnitOfWork, settings: UpstreamSettings, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapped attributes. A value that the declaration does not accept from a program is left out, with a
    line in the log.
    """
    given = {name: value_of(claims, path) for name, path in settings.attribute_claims.items()}
    given = {name: value for name, value in given.items() if value is not None}
    kept, problems = keep_valid(work, given, editor=Editor.API, place=Place.ADMIN)
    for name, problem in problems.items():
        log.warning("upstream.attribute_left_out", upstream=settings.key, attribute=name, reason=str(problem))
    return kept


def update_attributes(work: UnitOfWork, settings: UpstreamSettings, user_id: str, claims: Mapping[str, Any]) -> None:
    """Replace the mapped attributes of a user. One without a valid value stays."""
    if given := attributes_of(work, settings, claims):
        change_values(work, user_id=user_id, given=given, editor=Editor.API, place=Place.ADMIN)


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


def groups_of(work: UnitOfWork, settings: UpstreamSettings, claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the groups that these claims give, by the value of each. Those that the operator names may not exist.

    By their own names, values give only groups that exist and give no permissions of operators.
    """
    values = texts_of(claims, settings.claim_of_groups)
    named = {one: settings.groups[one] for one in values if one in settings.groups and one != SAME}
    if SAME not in settings.groups:
        return named
    alike = groups_store.find_existing(work.db, {one for one in values if one not in named and is_group_name(one)})
    roles = groups_store.find_roles_by_group(work.db, alike)
    return named | {one: one for one in alike if not permissions_of(roles.get(one, ()))}


def replace_groups(
    work: UnitOfWork, settings: UpstreamSettings, issuer: str, user: User, claims: Mapping[str, Any]
) -> User:
    """Replace the groups that the user is in by this issuer; return the user. Memberships that operators, SCIM or other
    issuers gave stay. A group that does not exist is left out, with a line in the log.
    """
    wanted = set(groups_of(work, settings, claims).values()) if settings.groups else set()
    if not wanted and not granted_groups.find(work.db, user.id):
        return user
    if not users.lock(work.db, user.id):
        return user
    members = set(groups_store.find_of_user(work.db, user.id))
    granted = granted_groups.find(work.db, user.id)
    mine = {name for by, name in granted if by == issuer}
    others = {name for by, name in granted if by != issuer}
    new, old = wanted - members, mine - wanted
    joined = set(join_and_leave(work, user_id=user.id, join=new, leave=old - others, upstream=settings.key))
    if left_out := sorted(new - joined):
        log.warning("upstream.groups_left_out", upstream=settings.key, user=user.id, groups=left_out[:MOST_LOGGED])
    by_upstream = (wanted & (mine | others)) | joined
    if by_upstream != mine:
        granted_groups.replace(work.db, user.id, issuer, by_upstream)
    return (users.find(work.db, user.id) or user) if joined or old else user
