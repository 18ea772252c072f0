"""Grants, each the root of a token family, and the data that decides whether one is active."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)

from provider.accounts.store.attribute_values import RELEASED
from provider.accounts.store.email_addresses import email_addresses
from provider.accounts.store.group_tables import names_of_user, roles_of_user, split_names, with_roles_of_groups
from provider.accounts.store.users import users
from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.prepared import Prepared
from provider.database.rows import joined, one_value, rows_of, values_of
from provider.database.security_stamp import has_same_stamp, stamp_column
from provider.database.types import Identifier, UtcTime
from provider.oauth.clients.store.clients import clients, is_enabled
from provider.oauth.tokens.store.assertions import has_accepted_issuers, may_act
from provider.oauth.tokens.store.mapped_attributes import MAPPED
from provider.sessions.store import sessions

grants = Table(
    "grants",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("session_id", Identifier, nullable=False),  # the `sid`; the session may be purged before the grant
    Column("scope", String(2000), nullable=False),
    # the OIDC claims parameter, reduced: {"id_token": [names], "userinfo": [names], "values": {}}
    Column("claims", JSON, nullable=False),
    Column("offline", Boolean, nullable=False),  # outlives the browser session
    Column("auth_time", UtcTime, nullable=False),
    Column("amr", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("revoke_reason", String(32)),
    Column("resources", JSON, nullable=False, server_default="[]"),  # the APIs its tokens may be for (RFC 8707)
    Column("security_stamp", UtcTime),  # the user's when it began; NULL in rows of earlier releases
    Column("acr", String(16)),  # what the app asked for and got; NULL for the usual one of the amr
    Column("assertion_issuer", String(255)),  # the trusted issuer that stated it (RFC 7523); NULL: the user approved it
    Column("authorization_details", JSON(none_as_null=True)),  # as the user allowed them (RFC 9396); NULL: none
    Index("ix_grants_user_id_client_id", "user_id", "client_id"),
    Index("ix_grants_session_id", "session_id"),
    Index("ix_grants_expires_at", "expires_at"),
    Index("ix_grants_client_id", "client_id"),
)

revoked_access_tokens = Table(
    "revoked_access_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_revoked_access_tokens_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class Grant:
    id: str
    user_id: str
    client_id: str
    session_id: str
    scope: str
    claims: dict[str, Any]
    offline: bool
    auth_time: datetime
    amr: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoke_reason: str | None
    resources: Sequence[str] = ()
    security_stamp: datetime | None = None
    acr: str | None = None  # of its tokens, if it is not the usual one of `amr`
    authorization_details: list[dict[str, Any]] | None = None
    """What the user allowed in detail (RFC 9396). Its tokens have all of it or less."""
    assertion_issuer: str | None = None
    """The trusted issuer whose assertion it was created for, without the user."""


@dataclass(frozen=True)
class GrantState:
    """The data, besides the grant's own row, that decides whether it is active. Both are read together."""

    user_status: str
    has_same_stamp: bool
    """Whether access to the account has not ended since the grant was created."""
    session_ended_at: datetime | None
    client_disabled_at: datetime | None
    has_accepted_issuers: bool
    """Whether the trusted issuers that it depends on, if any, have been trusted since the grant was created."""


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


GRANT = rows_of(Grant, grants)
HAS_SAME_STAMP = has_same_stamp(
    grants.c.security_stamp, users.c.not_before, otherwise=grants.c.created_at > stamp_column(users.c.not_before)
)
HAS_ACCEPTED_ISSUERS = has_accepted_issuers(grants.c.assertion_issuer, grants.c.created_at)
STATE = rows_of(
    GrantState,
    user_status=users.c.status,
    has_same_stamp=HAS_SAME_STAMP,
    session_ended_at=sessions.c.ended_at,
    client_disabled_at=clients.c.disabled_at,
    has_accepted_issuers=HAS_ACCEPTED_ISSUERS,
)
_mine = email_addresses.alias("mine")
primary_address = (
    select(_mine.c.id)
    .where(_mine.c.user_id == users.c.id)
    .order_by(_mine.c.verified_at.is_(None), _mine.c.created_at.desc())
    .limit(1)
    .correlate(users)
    .scalar_subquery()
)
"""The id of a user's address: the verified one first."""
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


def join_state(source: Any) -> Any:
    """Join `source`, which holds grants, with the rows that decide whether each is active (the columns of STATE)."""
    return (
        source.join(users, users.c.id == grants.c.user_id)
        .join(clients, clients.c.client_id == grants.c.client_id)
        .outerjoin(sessions, sessions.c.id == grants.c.session_id)
    )


_jti_revoked = exists().where(revoked_access_tokens.c.jti == bindparam("jti"))
_is_caller_enabled = is_enabled(bindparam("caller", type_=String))
_WITH_JTI = joined(GRANT, STATE, one_value(_jti_revoked), one_value(_is_caller_enabled))
_may_act = may_act(bindparam("client_id", type_=String), bindparam("issued", type_=UtcTime))
_OWN = joined(one_value(_jti_revoked), one_value(_may_act), one_value(_is_caller_enabled))
_WITH_JTI_AND_PERSON = joined(GRANT, STATE, one_value(_jti_revoked), one_value(_is_caller_enabled), PERSON)
_WITH_PERSON = joined(GRANT, STATE, one_value(_jti_revoked), PERSON)
_FIND_OWN = _OWN.prepare(_OWN.select())
_FOR_ACCESS_TOKEN = _WITH_JTI.prepare(
    _WITH_JTI.select().select_from(join_state(grants)).where(grants.c.id == bindparam("grant_id"))
)
_FOR_USERINFO = _WITH_PERSON.prepare(
    _WITH_PERSON.select()
    .select_from(join_state(grants).outerjoin(email_addresses, email_addresses.c.id == primary_address))
    .where(grants.c.id == bindparam("grant_id"))
)
_FOR_MAPPED_CLAIMS = _WITH_JTI_AND_PERSON.prepare(
    _WITH_JTI_AND_PERSON.select()
    .select_from(join_state(grants).outerjoin(email_addresses, email_addresses.c.id == primary_address))
    .where(grants.c.id == bindparam("grant_id"))
)
_PERSON = PERSON.prepare(
    PERSON.select()
    .select_from(users.outerjoin(email_addresses, email_addresses.c.id == primary_address))
    .where(users.c.id == bindparam("user_id"))
)
_INSERT = Prepared(insert(grants))


def add(db: Connection, grant: Grant) -> None:
    _INSERT.change(db, values_of(grant))


def find_for_access_token(
    db: Connection, grant_id: str, jti: str, *, caller: str | None
) -> tuple[Grant, GrantState, bool, bool] | None:
    """Return a grant, its state, whether this `jti` was revoked, and whether the client `caller` is enabled.

    Returns None if there is no such grant.
    """
    return _FOR_ACCESS_TOKEN.one(db, {"grant_id": grant_id, "jti": jti, "caller": caller})


def find_with_person(
    db: Connection, grant_id: str, jti: str, *, caller: str | None
) -> tuple[Grant, GrantState, bool, bool, Person] | None:
    """Return what `find_for_access_token` does, and the user."""
    return _FOR_MAPPED_CLAIMS.one(db, {"grant_id": grant_id, "jti": jti, "caller": caller})


def find_own(
    db: Connection, jti: str, *, client_id: str, issued: datetime, caller: str | None
) -> tuple[bool, bool, bool]:
    """Return whether this `jti` of a client's own token was revoked, whether the client is enabled and has been
    authenticated by a trusted issuer since it was issued, and whether the caller is enabled.
    """
    found = _FIND_OWN.one(db, {"jti": jti, "client_id": client_id, "issued": issued, "caller": caller})
    assert found is not None  # noqa: S101  # it reads no table whose rows could be missing
    return found


def find_for_userinfo(db: Connection, grant_id: str, jti: str) -> tuple[Grant, GrantState, bool, Person] | None:
    return _FOR_USERINFO.one(db, {"grant_id": grant_id, "jti": jti})


def find_person(db: Connection, user_id: str) -> Person | None:
    return _PERSON.one(db, {"user_id": user_id})


def revoke(db: Connection, grant_id: str, *, reason: str, now: datetime) -> bool:
    """Revoke every token of the family. Returns False if it was revoked already."""
    active = (grants.c.id == grant_id, grants.c.revoked_at.is_(None))
    return db.execute(update(grants).where(*active).values(revoked_at=now, revoke_reason=reason)).rowcount == 1


def revoke_all(db: Connection, *, user_id: str, client_id: str, reason: str, now: datetime) -> int:
    """Revoke every token family of this user and client; return how many."""
    active = (grants.c.user_id == user_id, grants.c.client_id == client_id, grants.c.revoked_at.is_(None))
    return db.execute(update(grants).where(*active).values(revoked_at=now, revoke_reason=reason)).rowcount


def revoke_of_sessions(db: Connection, session_ids: Collection[str], *, reason: str, now: datetime) -> int:
    """Revoke every token family that began in these sessions, also with offline_access; return how many."""
    active = (grants.c.session_id.in_(session_ids), grants.c.revoked_at.is_(None))
    return db.execute(update(grants).where(*active).values(revoked_at=now, revoke_reason=reason)).rowcount


def find_clients_of_sessions(db: Connection, session_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """Return (client_id, user id, session id) of each client that got a grant in these sessions, active or not."""
    query = select(grants.c.client_id, grants.c.user_id, grants.c.session_id).distinct()
    found = query.where(grants.c.session_id.in_(session_ids)).order_by(grants.c.client_id)
    return [(client_id, user_id, session_id) for client_id, user_id, session_id in db.execute(found)]


def revoke_jti(db: Connection, jti: str, *, expires_at: datetime) -> None:
    """Remember a revoked access token until it would have expired anyway."""
    db.execute(upsert(db, revoked_access_tokens).values(jti=jti, expires_at=expires_at).on_conflict_do_nothing())


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(grants.c.id).where(grants.c.expires_at < before).order_by(grants.c.expires_at).limit(limit)
    return db.execute(delete(grants).where(grants.c.id.in_(old))).rowcount


def purge_revoked_jtis(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(revoked_access_tokens.c.jti)
        .where(revoked_access_tokens.c.expires_at < before)
        .order_by(revoked_access_tokens.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(revoked_access_tokens).where(revoked_access_tokens.c.jti.in_(old))).rowcount
