"""In which session of its own an app's person proved again who they are: one per token family, gone with it."""

from sqlalchemy import Column, Connection, ForeignKey, Index, Table, delete, insert, select

from provider.database.base import metadata
from provider.database.types import Identifier
from provider.sessions.store import Session, sessions

confirmations = Table(
    "confirmations",
    metadata,
    Column("grant_id", Identifier, ForeignKey("grants.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", Identifier, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Index("ix_confirmations_session_id", "session_id"),
)


def find(db: Connection, grant_id: str) -> Session | None:
    """The session of this family, whatever became of it."""
    query = (
        select(sessions)
        .join(confirmations, confirmations.c.session_id == sessions.c.id)
        .where(confirmations.c.grant_id == grant_id)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else Session(*row)


def put(db: Connection, grant_id: str, session_id: str) -> None:
    """In place of the one before."""
    db.execute(delete(confirmations).where(confirmations.c.grant_id == grant_id))
    db.execute(insert(confirmations), {"grant_id": grant_id, "session_id": session_id})
