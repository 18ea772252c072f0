"""The users that tokens are about, with what claims are made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from provider.accounts.store.attribute_values import RELEASED
from provider.accounts.store.email_addresses import email_addresses
from provider.accounts.store.group_tables import names_of_user, roles_of_user, split_names, with_roles_of_groups
from provider.accounts.store.users import users
from provider.database.rows import rows_of
from provider.oauth.tokens.store.mapped_attributes import MAPPED


@dataclass(frozen=True)
class Person:
    """A user's claims, for the ID token and userinfo."""

    claims: dict[str, Any]
    roles: list[str]
    updated_at: datetime
    email: str | None
    email_verified_at: datetime | None
    attributes: str | None
    """The declared attributes that scopes release, as JSON (`accounts.store.attribute_values.RELEASED`)."""
    in_groups: str | None = None
    """The names of all groups that the user is in, as the database returns them."""
    group_roles: str | None = None
    """The roles of these groups, as the database returns them."""
    mapped: str | None = None
    """The attributes that claim mappings read, as JSON (`claim_mapping.store.MAPPED`)."""

    @property
    def groups(self) -> list[str]:
        """The names of the groups that the user is in, also through a contained group."""
        return split_names(self.in_groups)

    @property
    def effective_roles(self) -> list[str]:
        """The user's own roles, and those of the user's groups."""
        return with_roles_of_groups(self.roles, self.group_roles) if self.group_roles else self.roles


PERSON = rows_of(
    Person,
    claims=users.c.claims,
    roles=users.c.roles,
    updated_at=users.c.updated_at,
    email=email_addresses.c.address,
    email_verified_at=email_addresses.c.verified_at,
    in_groups=names_of_user(users.c.id, users),
    group_roles=roles_of_user(users.c.id, users),
    attributes=RELEASED,
    mapped=MAPPED,
)
_mine = email_addresses.alias("mine")
_primary_address = (
    select(_mine.c.id)
    .where(_mine.c.user_id == users.c.id)
    .order_by(_mine.c.verified_at.is_(None), _mine.c.created_at.desc())
    .limit(1)
    .correlate(users)
    .scalar_subquery()
)
"""The id of a user's address: the verified one first."""


def join_address(source: Any) -> Any:
    """Join `source`, which holds users, with the address of each (the columns of PERSON)."""
    return source.outerjoin(email_addresses, email_addresses.c.id == _primary_address)


_FIND = PERSON.prepare(PERSON.select().select_from(join_address(users)).where(users.c.id == bindparam("user_id")))


def find(db: Connection, user_id: str) -> Person | None:
    return _FIND.one(db, {"user_id": user_id})
