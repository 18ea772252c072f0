"""The receivers that know a user or a session: clients with a grant or a consent, read where the change is made.

Grants, consents and sessions belong to capabilities above this one, so they are named here without an import.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, column, select, table, union

from provider.database.types import Identifier, UtcTime

_grants = table(
    "grants",
    column("user_id", Identifier),
    column("session_id", Identifier),
    column("client_id"),
    column("scope"),
    column("created_at", UtcTime),
)
_consents = table("consents", column("user_id", Identifier), column("client_id"))
_sessions = table(
    "sessions",
    column("id", Identifier),
    column("user_id", Identifier),
    column("ended_at", UtcTime),
    column("expires_at", UtcTime),
)


def clients_of_user(db: Connection, user_id: str, among: Collection[str]) -> set[str]:
    """Return the clients among these that the user allowed something, or that have had a grant lately."""
    parts = [
        select(each.c.client_id).where(each.c.user_id == user_id, each.c.client_id.in_(among))
        for each in (_grants, _consents)
    ]
    return set(db.scalars(union(*parts)))


def clients_of_sessions(db: Connection, session_ids: Collection[str], among: Collection[str]) -> list[tuple[str, str]]:
    """Return (client id, session id) of each of these clients that got a grant in one of these sessions."""
    query = select(_grants.c.client_id, _grants.c.session_id).distinct()
    query = query.where(_grants.c.session_id.in_(session_ids), _grants.c.client_id.in_(among))
    return [(row[0], row[1]) for row in db.execute(query.order_by(_grants.c.session_id))]


def ended_sessions(db: Connection, user_id: str, *, at: datetime) -> list[str]:
    """Return the ids of the sessions of a user that ended at this time."""
    return list(db.scalars(select(_sessions.c.id).where(_sessions.c.user_id == user_id, _sessions.c.ended_at == at)))


def has_session(db: Connection, user_id: str, *, now: datetime) -> bool:
    """Return whether the user still has a session that has not ended."""
    active = (_sessions.c.user_id == user_id, _sessions.c.ended_at.is_(None), _sessions.c.expires_at > now)
    return db.scalar(select(_sessions.c.id).where(*active).limit(1)) is not None


def scope_of_user(db: Connection, user_id: str, client_id: str) -> str:
    """Return the scope of the latest grant of a user to a client, or an empty string."""
    query = select(_grants.c.scope).where(_grants.c.user_id == user_id, _grants.c.client_id == client_id)
    return db.scalar(query.order_by(_grants.c.created_at.desc()).limit(1)) or ""
