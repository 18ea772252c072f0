"""The table of authenticator apps that are being set up, one for each user."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, String, Table, delete, insert

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

totp_setups = Table(
    "totp_setups",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", Identifier, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("seed", String(200), nullable=False),  # encrypted
    Column("created_at", UtcTime, nullable=False),
    Column("replaces", Identifier),  # NULL if it is one more
)

# Where the release before this one keeps them, and where this one stores none: to confirm one there would replace the
# user's first app. The next release drops the table.
totp_enrolments = Table(
    "totp_enrolments",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", Identifier, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("seed", String(200), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)


@dataclass(frozen=True)
class TotpSetup:
    user_id: str
    session_id: str
    seed: str
    created_at: datetime
    replaces: str | None
    """The id of the app that ends when this one is confirmed."""


_SETUP = rows_of(TotpSetup, totp_setups)


def begin(db: Connection, setup: TotpSetup) -> None:
    """Store a set-up; an earlier one of the same user that was not confirmed is deleted."""
    forget(db, setup.user_id)
    db.execute(insert(totp_setups), values_of(setup))


def find(db: Connection, user_id: str, *, session_id: str, begun_after: datetime) -> TotpSetup | None:
    """Return the set-up that this session began, or None."""
    own = (totp_setups.c.user_id == user_id, totp_setups.c.session_id == session_id)
    return _SETUP.one(db, _SETUP.select().where(*own, totp_setups.c.created_at > begun_after))


def spend(db: Connection, setup: TotpSetup) -> bool:
    """Delete the set-up. Returns False if it was confirmed or replaced meanwhile."""
    same = (totp_setups.c.user_id == setup.user_id, totp_setups.c.seed == setup.seed)
    return db.execute(delete(totp_setups).where(*same)).rowcount == 1


def forget(db: Connection, user_id: str) -> None:
    for table in (totp_setups, totp_enrolments):
        db.execute(delete(table).where(table.c.user_id == user_id))
