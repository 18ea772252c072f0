"""The table of recovery codes: their digests, and when each was used. A set is replaced as a whole."""

from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Table, bindparam, delete, func, insert, select, update

from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.types import Digest, Identifier, UtcTime

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Digest, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
)


def replace(db: Connection, user_id: str, digests: list[bytes], *, now: datetime) -> None:
    """Replace the user's codes with this set. No code of the previous set works any more."""
    remove(db, user_id)
    db.execute(insert(recovery_codes), [{"user_id": user_id, "digest": one, "created_at": now} for one in digests])


def lock(db: Connection, user_id: str) -> None:
    """Lock the user's codes until the transaction ends."""
    db.execute(select(recovery_codes.c.digest).where(recovery_codes.c.user_id == user_id).with_for_update())


def remove(db: Connection, user_id: str) -> None:
    db.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))


def spend(db: Connection, user_id: str, digest: bytes, *, now: datetime) -> bool:
    """Mark the code as used. Returns False if it is unknown or was used before."""
    unspent = (
        recovery_codes.c.user_id == user_id,
        recovery_codes.c.digest == digest,
        recovery_codes.c.spent_at.is_(None),
    )
    return db.execute(update(recovery_codes).where(*unspent).values(spent_at=now)).rowcount == 1


def find_state(db: Connection, user_id: str, digest: bytes) -> str | None:
    """Return `unspent` or `spent`, or None for a code that is not in this user's set."""
    of_user = (recovery_codes.c.user_id == user_id, recovery_codes.c.digest == digest)
    row = db.execute(select(recovery_codes.c.spent_at).where(*of_user)).one_or_none()
    if row is None:
        return None
    return "unspent" if row.spent_at is None else "spent"


_COUNT_LEFT = Prepared(
    select(func.count())
    .select_from(recovery_codes)
    .where(recovery_codes.c.user_id == bindparam("user_id"), recovery_codes.c.spent_at.is_(None))
)


def count_left(db: Connection, user_id: str) -> int:
    return _COUNT_LEFT.scalar(db, {"user_id": user_id}) or 0
