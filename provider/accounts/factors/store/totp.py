"""The tables of authenticator apps: confirmed seeds with their last time step, and seeds being set up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, String, Table, delete, insert, select, update

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

totp_credentials = Table(
    "totp_credentials",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("seed", String(200), nullable=False),  # encrypted
    Column("confirmed_at", UtcTime, nullable=False),
    Column("last_step", BigInteger, nullable=False),  # only later steps are accepted: each code works once
)

totp_enrolments = Table(
    "totp_enrolments",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", Identifier, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("seed", String(200), nullable=False),  # encrypted
    Column("created_at", UtcTime, nullable=False),
)


@dataclass(frozen=True)
class TotpCredential:
    user_id: str
    seed: str
    confirmed_at: datetime
    last_step: int


_CREDENTIAL = rows_of(TotpCredential, totp_credentials)


def find(db: Connection, user_id: str) -> TotpCredential | None:
    return _CREDENTIAL.one(db, _CREDENTIAL.select().where(totp_credentials.c.user_id == user_id))


def find_owners(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these users have a confirmed authenticator app."""
    return set(db.scalars(select(totp_credentials.c.user_id).where(totp_credentials.c.user_id.in_(user_ids))))


def spend_step(db: Connection, user_id: str, step: int) -> bool:
    """Use up this time step. Returns False if it or a later one was used before."""
    unused = (totp_credentials.c.user_id == user_id, totp_credentials.c.last_step < step)
    return db.execute(update(totp_credentials).where(*unused).values(last_step=step)).rowcount == 1


def replace(db: Connection, credential: TotpCredential) -> None:
    remove(db, credential.user_id)
    db.execute(insert(totp_credentials), values_of(credential))


def remove(db: Connection, user_id: str) -> bool:
    return db.execute(delete(totp_credentials).where(totp_credentials.c.user_id == user_id)).rowcount == 1


def begin_enrolment(db: Connection, user_id: str, *, session_id: str, seed: str, now: datetime) -> None:
    """Store a new seed for this session to confirm; an earlier unconfirmed one is deleted."""
    db.execute(delete(totp_enrolments).where(totp_enrolments.c.user_id == user_id))
    values = {"user_id": user_id, "session_id": session_id, "seed": seed, "created_at": now}
    db.execute(insert(totp_enrolments), values)


def find_enrolment(db: Connection, user_id: str, *, session_id: str, begun_after: datetime) -> str | None:
    """Return the encrypted seed that this session is setting up, or None."""
    own = (totp_enrolments.c.user_id == user_id, totp_enrolments.c.session_id == session_id)
    return db.scalar(select(totp_enrolments.c.seed).where(*own, totp_enrolments.c.created_at > begun_after))


def spend_enrolment(db: Connection, user_id: str, *, seed: str) -> bool:
    """Delete the set-up with this seed. Returns False if it was confirmed or replaced meanwhile."""
    same = (totp_enrolments.c.user_id == user_id, totp_enrolments.c.seed == seed)
    return db.execute(delete(totp_enrolments).where(*same)).rowcount == 1


def forget_enrolment(db: Connection, user_id: str) -> None:
    db.execute(delete(totp_enrolments).where(totp_enrolments.c.user_id == user_id))
