"""The list of users."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, select, union_all

from provider.accounts import overview, search
from provider.accounts.attributes.declarations import Editor
from provider.accounts.attributes.searching import NotSearchable, users_with
from provider.accounts.factors.store.totp import totp_credentials
from provider.accounts.factors.store.two_factor_choices import two_factor_choices
from provider.accounts.store import groups
from provider.accounts.store.email_addresses import email_addresses
from provider.accounts.store.group_tables import group_members
from provider.accounts.store.roles import user_roles
from provider.accounts.store.users import NEVER, Status, users
from provider.audit.active_users import active_users
from provider.database.dialect import is_postgresql
from provider.languages.text import Text
from provider.oauth.authorize.store.consents import consents
from provider.oauth.tokens.store.grants import grants
from provider.operators.lists.listing import Column, Condition, Filter, InvalidFilter, Kind, Listing, from_day, to_day
from provider.work import UnitOfWork

STATES: Mapping[str, Text] = {
    Status.ACTIVE: Text("active"),
    Status.INACTIVE: Text("not verified"),
    Status.SUSPENDED: Text("suspended"),
    Status.LEAVING: Text("deletion requested"),
}


RARE = 10_000
"""Up to how many users a filter is rare."""


def _are_few(work: UnitOfWork, chosen: Select[tuple[str]]) -> bool:
    counted = select(func.count()).select_from(chosen.limit(RARE + 1).subquery())
    return (work.read.scalar(counted) or 0) <= RARE


def _is_one_of(work: UnitOfWork, *chosen: Select[tuple[str]]) -> ColumnElement[bool]:
    """Return the condition that a user is among those that one of the queries chooses. Their only column is `user_id`.

    To find few among a million users, the database has to begin with the few. To find the first page of many, it has to
    begin with the users and look each one up. Neither database would guess this right.
    """
    together = union_all(*chosen) if len(chosen) > 1 else chosen[0]
    if _are_few(work, select(together.subquery().c.user_id)):
        return users.c.id.in_(together)
    same = [each.where(each.selected_columns.user_id == users.c.id).correlate(users) for each in chosen]
    return exists(union_all(*same) if len(same) > 1 else same[0])


def _has_two_factor(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    owners = select(totp_credentials.c.user_id), select(two_factor_choices.c.user_id)
    if value == "on":
        return _is_one_of(work, *owners)
    return and_(*(~exists(each.where(each.selected_columns.user_id == users.c.id)) for each in owners))


def _has_role(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    own = select(user_roles.c.user_id).where(user_roles.c.role == value)
    names = groups.find_with_role(work.read, value)
    return _is_one_of(work, own, _members(work, names)) if names else _is_one_of(work, own)


def _is_in_group(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    return _is_one_of(work, _members(work, [value]))


def _members(work: UnitOfWork, names: list[str]) -> Select[tuple[str]]:
    """Return the query for the ids of the users in these groups. A user may be in it several times: the database can
    look one up, which it could not in a query without repeats.
    """
    within = [*names, *groups.find_contained(work.read, names)]
    return select(group_members.c.user_id).where(group_members.c.group_name.in_(within))


def _has_attribute(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    try:
        return _is_one_of(work, users_with(work, value, Editor.OPERATOR))
    except NotSearchable as refusal:
        raise InvalidFilter(refusal.message) from None


def _weighed(condition: Condition) -> Condition:
    """Return the same condition, and tell SQLite whether few or many users meet it.

    It begins with the index of what is unlikely, else with the index of the order. PostgreSQL knows it from its
    statistics.
    """

    def weighed(work: UnitOfWork, value: str) -> ColumnElement[bool]:
        wanted = condition(work, value)
        if is_postgresql(work.read):
            return wanted
        few = _are_few(work, select(users.c.id).where(wanted))
        return func.likelihood(wanted, literal_column("0.001" if few else "0.9"))

    return weighed


def _has_signed_in(_work: UnitOfWork, value: str) -> ColumnElement[bool]:
    return users.c.last_sign_in_at == NEVER if value == "no" else users.c.last_sign_in_at > NEVER


def _is_active(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    return _is_one_of(work, select(active_users.c.user_id).where(from_day(active_users.c.day)(work, value)))


def _uses(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    active = (grants.c.client_id == value, grants.c.revoked_at.is_(None), grants.c.expires_at > work.now)
    connected = select(grants.c.user_id).where(*active)
    return _is_one_of(work, connected, select(consents.c.user_id).where(consents.c.client_id == value))


USERS = Listing(
    name="users",
    key=users.c.id,
    columns=(
        Column(
            "email",
            Text("Email address"),
            sort=email_addresses.c.normal,
            is_first=True,
            source=users.join(email_addresses, email_addresses.c.user_id == users.c.id),  # each user has one
        ),
        Column("status", Text("Status")),
        Column("roles", Text("Roles")),
        Column("groups", Text("Groups"), is_shown=False),
        Column("two_factor", Text("Two-factor")),
        Column("last_sign_in", Text("Last sign-in"), sort=users.c.last_sign_in_at),
        Column("created", Text("Created"), sort=users.c.created_at),
        Column("id", Text("User ID"), is_shown=False),
    ),
    filters=(
        Filter("state", Text("Status"), lambda _work, value: users.c.status == value, Kind.CHOICE, STATES),
        Filter("role", Text("Role"), _has_role),
        Filter("group", Text("Group"), _is_in_group),
        Filter("attribute", Text("Attribute (name:value)"), _has_attribute),
        Filter("two_factor", Text("Two-factor"), _has_two_factor, Kind.CHOICE, {"on": Text("on"), "off": Text("off")}),
        Filter("app", Text("Uses the application (client_id)"), _uses),
        Filter(
            "signed_in",
            Text("Has signed in"),
            _weighed(_has_signed_in),
            Kind.CHOICE,
            {"yes": Text("yes"), "no": Text("never")},
        ),
        Filter("signed_in_from", Text("Last sign-in from"), _weighed(from_day(users.c.last_sign_in_at)), Kind.DAY),
        Filter("signed_in_to", Text("Last sign-in until"), _weighed(to_day(users.c.last_sign_in_at)), Kind.DAY),
        Filter("created_from", Text("Created from"), from_day(users.c.created_at), Kind.DAY),
        Filter("created_to", Text("Created until"), to_day(users.c.created_at), Kind.DAY),
        Filter("active_from", Text("Active from"), _is_active, Kind.DAY),
    ),
    sorted_by="-created",
    rows=overview.describe,
    exported={
        "id": lambda person: person.user.id,
        "email": lambda person: person.email,
        "email_verified": lambda person: person.is_confirmed,
        "name": lambda person: person.user.claims.get("name"),
        "status": lambda person: person.user.status,
        "roles": lambda person: " ".join(person.user.roles),
        "groups": lambda person: " ".join(person.user.groups),
        "two_factor": lambda person: person.two_factor,
        "created_at": lambda person: person.user.created_at,
        "last_sign_in_at": lambda person: person.user.last_sign_in_at if person.user.has_signed_in else None,
    },
    search=search.find_places,
)
