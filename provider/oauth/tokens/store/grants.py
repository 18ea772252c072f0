"""Grants, each the root of a token family, and the data that decides whether one is active."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    and_,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)

from provider.accounts.store.users import users
from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.rows import rows_of, values_of
from provider.database.security_stamp import has_same_stamp, stamp_column
from provider.database.types import Identifier, UtcTime
from provider.oauth.clients.store.clients import clients
from provider.oauth.tokens.store.assertions import has_accepted_issuers
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
    session_expires_at: datetime | None
    """When the time of its session is over. None if the session was deleted, which happens after its end."""
    client_disabled_at: datetime | None
    has_accepted_issuers: bool
    """Whether the trusted issuers that it depends on, if any, have been trusted since the grant was created."""


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
    session_expires_at=sessions.c.expires_at,
    client_disabled_at=clients.c.disabled_at,
    has_accepted_issuers=HAS_ACCEPTED_ISSUERS,
)


def join_state(source: Any) -> Any:
    """Join `source`, which holds grants, with the rows that decide whether each is active (the columns of STATE)."""
    return (
        source.join(users, users.c.id == grants.c.user_id)
        .join(clients, clients.c.client_id == grants.c.client_id)
        .outerjoin(sessions, sessions.c.id == grants.c.session_id)
    )


def end_of(grant: Grant, state: GrantState) -> datetime:
    """Return when a grant ends by itself: at its own end, or without offline_access with its session, if that is
    sooner.
    """
    in_session = None if grant.offline else state.session_expires_at
    return grant.expires_at if in_session is None else min(grant.expires_at, in_session)


ENDS_AT = case(
    (and_(grants.c.offline.is_(False), sessions.c.expires_at < grants.c.expires_at), sessions.c.expires_at),
    else_=grants.c.expires_at,
)
"""What `end_of` returns, of what `join_state` joins."""


def is_in_session(now: Any) -> ColumnElement[bool]:
    """Return the condition, on what `join_state` joins, that a grant has offline_access or its session is not over."""
    return or_(grants.c.offline, and_(sessions.c.ended_at.is_(None), sessions.c.expires_at > now))


_INSERT = Prepared(insert(grants))


def add(db: Connection, grant: Grant) -> None:
    _INSERT.change(db, values_of(grant))


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


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(grants.c.id).where(grants.c.expires_at < before).order_by(grants.c.expires_at).limit(limit)
    return db.execute(delete(grants).where(grants.c.id.in_(old))).rowcount
