"""The session that an app holds for a token family: from its own sign-in, or to confirm the password.

No browser has a cookie of it.
"""

from sqlalchemy import Column, Connection, ForeignKey, Index, Table

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.types import Identifier
from provider.sessions.store import SESSION, Session, sessions

own_sessions = Table(
    "own_sessions",
    metadata,
    Column("grant_id", Identifier, ForeignKey("grants.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", Identifier, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Index("ix_own_sessions_session_id", "session_id"),
)


def find(db: Connection, grant_id: str) -> Session | None:
    """Return the app's session for this grant, active or not, or None."""
    query = (
        SESSION.select()
        .join(own_sessions, own_sessions.c.session_id == sessions.c.id)
        .where(own_sessions.c.grant_id == grant_id)
    )
    return SESSION.one(db, query)


def put(db: Connection, grant_id: str, session_id: str) -> None:
    """Store the app's session for this grant, replacing the one before."""
    statement = upsert(db, own_sessions).values(grant_id=grant_id, session_id=session_id)
    db.execute(statement.on_conflict_do_update(index_elements=["grant_id"], set_={"session_id": session_id}))
