"""The access that clients have to accounts now: what they were granted, when they used it, and until when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, and_, column, func, select, table

from provider.database.types import UtcTime
from provider.oauth.tokens.store.grants import grants, is_active, join_state

# The table of refresh tokens refers to this one, so it is named here without an import.
_refresh = table("refresh_tokens", column("grant_id"), column("rotated_at", UtcTime()))


@dataclass(frozen=True)
class Held:
    """The access that one client has to one account."""

    families: int
    scopes: list[str]
    last_used: datetime
    resources: Sequence[str] = ()
    expires_at: datetime | None = None


def find_held(db: Connection, user_id: str, *, now: datetime) -> dict[str, Held]:
    """Return the active access to the account, by client_id."""
    return _find_held(db, grants.c.client_id, grants.c.user_id == user_id, now=now)


def find_holders(db: Connection, client_id: str, user_ids: Collection[str], *, now: datetime) -> dict[str, Held]:
    """Return the active access that the client has to these accounts, by user id."""
    of_both = and_(grants.c.client_id == client_id, grants.c.user_id.in_(user_ids))
    return _find_held(db, grants.c.user_id, of_both, now=now)


def _find_held(db: Connection, by: Column[str], of: ColumnElement[bool], *, now: datetime) -> dict[str, Held]:
    """Return active access by this column. A grant is used when it is issued and when it is refreshed."""
    rotated = select(func.max(_refresh.c.rotated_at)).where(_refresh.c.grant_id == grants.c.id).scalar_subquery()
    of_grant = (grants.c.scope, grants.c.created_at, grants.c.resources, grants.c.expires_at)
    query = select(by, *of_grant, rotated).select_from(join_state(grants))
    held: dict[str, Held] = {}
    for key, scope, created_at, resources, expires_at, rotated_at in db.execute(query.where(of, *is_active(now))):
        used = max(created_at, rotated_at or created_at)
        before = held.get(key, Held(0, [], used))
        scopes = list(dict.fromkeys([*before.scopes, *scope.split()]))
        apis = list(dict.fromkeys([*before.resources, *resources]))
        until = max(expires_at, before.expires_at or expires_at)
        held[key] = Held(before.families + 1, scopes, max(used, before.last_used), apis, until)
    return held
