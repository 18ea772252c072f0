"""The grants that are active now: those of a user, of a client, and the access that each client has to an account."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Text, and_, bindparam, cast, func, select

from provider.database.prepared import Prepared
from provider.database.rows import rows_of
from provider.oauth.tokens.store.grants import (
    ENDS_AT,
    HAS_ACCEPTED_ISSUERS,
    HAS_SAME_STAMP,
    Grant,
    grants,
    is_in_session,
    join_state,
)
from provider.oauth.tokens.store.refresh_tokens import refresh_tokens


@dataclass(frozen=True)
class Held:
    """The access that one client has to one account."""

    families: int
    scopes: list[str]
    last_used: datetime
    resources: Sequence[str] = ()
    details: Sequence[dict[str, Any]] = ()
    """The authorization details of its grants (RFC 9396)."""
    claims: Sequence[str] = ()
    """The claims that its grants have one by one, through the claims parameter (OIDC Core section 5.5)."""
    expires_at: datetime | None = None
    """When the last of its grants ends."""


@dataclass(frozen=True)
class Use:
    """The active grants of one client in one session of the user."""

    session_id: str
    since: datetime
    """When the latest of them was created."""
    offline: bool
    """Whether one of them outlives the session."""


_GRANT = rows_of(Grant, grants, expires_at=ENDS_AT)


def _is_active(now: Any) -> tuple[Any, ...]:
    """Return the conditions, on what `join_state` joins, of active grants."""
    lasts = (grants.c.revoked_at.is_(None), grants.c.expires_at > now, is_in_session(now))
    return *lasts, HAS_SAME_STAMP, HAS_ACCEPTED_ISSUERS


def find_active(
    db: Connection,
    user_id: str,
    *,
    now: datetime,
    grant_id: str | None = None,
    client_id: str | None = None,
    session_id: str | None = None,
    limit: int | None = None,
) -> list[Grant]:
    """Return the active grants of a user, the latest first: all, or those with this id, client or session."""
    members = {grants.c.id: grant_id, grants.c.client_id: client_id, grants.c.session_id: session_id}
    these = [member == value for member, value in members.items() if value is not None]
    query = _GRANT.select().select_from(join_state(grants))
    query = query.where(grants.c.user_id == user_id, *these, *_is_active(now))
    return _GRANT.all(db, query.order_by(grants.c.id.desc()).limit(limit))


def find_uses(db: Connection, *, user_id: str, client_id: str, now: datetime, limit: int) -> list[Use]:
    """Return the sessions with active grants of this user and client, those with the latest grant first."""
    since = func.max(grants.c.created_at)
    offline = func.count().filter(grants.c.offline)
    query = select(grants.c.session_id, since, offline).select_from(join_state(grants))
    query = query.where(grants.c.user_id == user_id, grants.c.client_id == client_id, *_is_active(now))
    query = query.group_by(grants.c.session_id).order_by(since.desc(), grants.c.session_id).limit(limit)
    return [Use(session_id, at, bool(lasting)) for session_id, at, lasting in db.execute(query)]


def find_held(db: Connection, user_id: str, *, now: datetime) -> dict[str, Held]:
    """Return the active access to the account, by client_id."""
    return _together(_HELD.rows(db, {"user_id": user_id, "at": now}))


def find_holders(db: Connection, client_id: str, user_ids: Collection[str], *, now: datetime) -> dict[str, Held]:
    """Return the active access that the client has to these accounts, by user id."""
    of_both = and_(grants.c.client_id == client_id, grants.c.user_id.in_(user_ids))
    return _together(db.execute(_select_held(grants.c.user_id, of_both, now)))


def find_users(db: Connection, client_id: str, *, after: str | None, limit: int, now: datetime) -> list[str]:
    """Return the users with active access of the client, in the order of their ids."""
    query = select(grants.c.user_id).distinct().select_from(join_state(grants))
    query = query.where(grants.c.client_id == client_id, *_is_active(now))
    query = query if after is None else query.where(grants.c.user_id > after)
    return list(db.scalars(query.order_by(grants.c.user_id).limit(limit)))


def _select_held(by: Column[Any], of: ColumnElement[bool], now: Any) -> Select[Any]:
    """Return the statement for `_together`: a row for all grants that allow the same.

    An app that signs the user in again and again has thousands of grants, nearly all alike.
    """
    of_grant = refresh_tokens.c.grant_id == grants.c.id
    rotated = select(func.max(refresh_tokens.c.rotated_at)).where(of_grant).scalar_subquery()
    texts = [cast(column, Text) for column in (grants.c.resources, grants.c.authorization_details, grants.c.claims)]
    allowed = (by, grants.c.scope, *(text.label(f"json_{number}") for number, text in enumerate(texts)))
    latest = (func.max(grants.c.created_at), func.max(rotated), func.max(ENDS_AT))
    query = select(*allowed, func.count(), *latest).select_from(join_state(grants))
    return query.where(of, *_is_active(now)).group_by(by, grants.c.scope, *texts)


SELECT_HELD = _select_held(grants.c.client_id, grants.c.user_id == bindparam("user_id"), bindparam("at"))
_HELD = Prepared(SELECT_HELD, tuple(SELECT_HELD.selected_columns))


def _together(found: Iterable[Sequence[Any]]) -> dict[str, Held]:
    """Return active access by the first column. A grant is used when it is issued and when it is refreshed."""
    held: dict[str, Held] = {}
    for key, scope, resources, details, claims, families, created_at, rotated_at, expires_at in found:
        used = max(created_at, rotated_at or created_at)
        before = held.get(key, Held(0, [], used))
        new = [one for one in json.loads(details or "[]") if one not in before.details]
        asked = json.loads(claims)
        single = [name for place in ("id_token", "userinfo") for name in asked.get(place, ())]
        held[key] = Held(
            families=before.families + families,
            scopes=list(dict.fromkeys([*before.scopes, *scope.split()])),
            last_used=max(used, before.last_used),
            resources=list(dict.fromkeys([*before.resources, *json.loads(resources)])),
            details=[*before.details, *new],
            claims=list(dict.fromkeys([*before.claims, *single])),
            expires_at=max(expires_at, before.expires_at or expires_at),
        )
    return held
