"""The sessions table: a browser's sign-in, found by the digest of its cookie."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    and_,
    bindparam,
    delete,
    false,
    insert,
    or_,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime

ACTIVE_USER = "ACTIVE"
"""The status of users whose sessions are active: the stored value of `accounts.store.users.Status.ACTIVE`."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", Identifier, primary_key=True),  # also the public `sid`
    Column("digest", Digest, nullable=False, unique=True),  # of the cookie's value; changes at every level change
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("auth_time", UtcTime, nullable=False),
    Column("amr", String(64), nullable=False),  # RFC 8176 values, space separated
    Column("pending", String(16)),  # the factor still due: until then the session is good for nothing but that
    Column("pending_until", UtcTime),
    Column("last_seen", UtcTime, nullable=False),  # written at most once a minute
    Column("expires_at", UtcTime, nullable=False),
    Column("network", String(64), nullable=False),
    Column("user_agent", String(300), nullable=False),
    Column("ended_at", UtcTime),
    Column("end_reason", String(32)),
    Column("security_stamp", UtcTime),  # the user's when it began; NULL in rows of earlier releases
    Column("proven_earlier", Boolean, nullable=False, server_default=false()),  # the user did not sign in for it
    Column("kept", Boolean, nullable=False, server_default=false()),  # it goes on when the browser was closed
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_expires_at", "expires_at"),
    Index("ix_sessions_last_seen_id", "last_seen", "id"),
    Index("ix_sessions_auth_time_id", "auth_time", "id"),
    Index("ix_sessions_amr", "amr"),
)


@dataclass(frozen=True)
class Session:
    id: str
    digest: bytes
    user_id: str
    created_at: datetime
    auth_time: datetime
    amr: str
    pending: str | None
    pending_until: datetime | None
    last_seen: datetime
    expires_at: datetime
    network: str
    user_agent: str
    ended_at: datetime | None
    end_reason: str | None
    security_stamp: datetime | None = None
    proven_earlier: bool = False
    """Whether the user did not sign in for this session: an upstream still knew the user from an earlier sign-in."""
    kept: bool = False
    """Whether the user chose to stay signed in after closing the browser."""


class IdleSince(NamedTuple):
    """Sessions that were last used before `usual` have ended; of those that are kept, before `kept`."""

    usual: datetime
    kept: datetime


SESSION = rows_of(Session, sessions)
_ADD = Prepared(insert(sessions))
_same = (sessions.c.id == bindparam("of_id"), sessions.c.digest == bindparam("old_digest"))
_new = {each.name: bindparam(f"new_{each.name}", type_=each.type) for each in sessions.c}
_goes_on = (sessions.c.ended_at.is_(None), sessions.c.expires_at > _new["last_seen"])
_RESTART = Prepared(update(sessions).where(*_same, *_goes_on).values(_new))


def add(db: Connection, session: Session) -> None:
    _ADD.change(db, _values_of(session))


def _values_of(session: Session) -> dict[str, Any]:
    values = values_of(session)
    return {column.name: values[column.name] for column in sessions.c}


def is_used(usual: Any, kept: Any) -> ColumnElement[bool]:
    """Return the condition that a session is not idle, with the times of an IdleSince."""
    return or_(sessions.c.last_seen > usual, and_(sessions.c.kept, sessions.c.last_seen > kept))


def find(db: Connection, session_id: str) -> Session | None:
    return SESSION.one(db, SESSION.select().where(sessions.c.id == session_id))


def lock(db: Connection, session_id: str) -> bool:
    """Lock the row until this transaction ends. Returns False if there is no such session."""
    return db.scalar(select(sessions.c.id).where(sessions.c.id == session_id).with_for_update()) is not None


def renew(
    db: Connection,
    session_id: str,
    *,
    old_digest: bytes,
    new_digest: bytes,
    auth_time: datetime,
    amr: str,
    last_seen: datetime,
) -> bool:
    """Raise the level under a new identifier. Returns False if the session was renewed or ended meanwhile."""
    current = and_(sessions.c.id == session_id, sessions.c.digest == old_digest, sessions.c.ended_at.is_(None))
    values = {"digest": new_digest, "auth_time": auth_time, "proven_earlier": False, "amr": amr, "last_seen": last_seen}
    values |= {"pending": None, "pending_until": None}
    return db.execute(update(sessions).where(current).values(**values)).rowcount == 1


def restart(db: Connection, session: Session, *, old_digest: bytes) -> bool:
    """Restart the same session (`sid`) from its first factor.

    Returns False if it was renewed, ended or expired meanwhile: what is over does not begin again.
    """
    values = {f"new_{name}": value for name, value in _values_of(session).items()}
    return _RESTART.change(db, {"of_id": session.id, "old_digest": old_digest, **values}) == 1


def keep(db: Connection, session_ids: AbstractSet[str], *, security_stamp: datetime) -> None:
    """Give these sessions the new security stamp of their user, so that they stay active."""
    if session_ids:
        db.execute(update(sessions).where(sessions.c.id.in_(session_ids)).values(security_stamp=security_stamp))


def touch(db: Connection, session_id: str, *, now: datetime) -> None:
    db.execute(update(sessions).where(sessions.c.id == session_id).values(last_seen=now))


def end(db: Connection, session_id: str, *, reason: str, now: datetime) -> bool:
    """End the session. Returns False if it had already ended."""
    active = and_(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    return db.execute(update(sessions).where(active).values(ended_at=now, end_reason=reason)).rowcount == 1


def shorten(db: Connection, session_id: str, *, expires_at: datetime) -> bool:
    """Make the session expire sooner. Returns False if it has ended or already expires sooner."""
    longer = and_(sessions.c.id == session_id, sessions.c.ended_at.is_(None), sessions.c.expires_at > expires_at)
    return db.execute(update(sessions).where(longer).values(expires_at=expires_at)).rowcount == 1


def end_all(
    db: Connection, user_id: str, *, reason: str, now: datetime, but: AbstractSet[str] = frozenset()
) -> list[str]:
    """End every session of a user, including pending ones, except those in `but`; return the ended ids."""
    active = [sessions.c.user_id == user_id, sessions.c.ended_at.is_(None)]
    if but:
        active.append(sessions.c.id.not_in(but))
    ended = update(sessions).where(*active).values(ended_at=now, end_reason=reason).returning(sessions.c.id)
    return list(db.scalars(ended))


def end_many(db: Connection, session_ids: list[str], *, reason: str, now: datetime) -> list[tuple[str, str]]:
    """End these sessions; return (user id, session id) of those that ended now."""
    active = and_(sessions.c.id.in_(session_ids), sessions.c.ended_at.is_(None))
    ended = update(sessions).where(active).values(ended_at=now, end_reason=reason)
    return [(user_id, sid) for user_id, sid in db.execute(ended.returning(sessions.c.user_id, sessions.c.id))]


def find_live(db: Connection, user_id: str, *, now: datetime, idle_since: IdleSince) -> list[Session]:
    """Return a user's active sessions, the most recently used first. Those that still need a factor are left out."""
    return _LIVE.all(db, {"user_id": user_id, "at": now, **idle_since._asdict()})


def select_live(now: Any, idle_since: tuple[Any, Any]) -> Select[Any]:
    """Return the query for active sessions. Those that still need a factor are left out."""
    has_begun = and_(sessions.c.ended_at.is_(None), sessions.c.pending.is_(None))
    return SESSION.select().where(has_begun, sessions.c.expires_at > now, is_used(*idle_since))


_LIVE = SESSION.prepare(
    select_live(bindparam("at"), (bindparam("usual"), bindparam("kept")))
    .where(sessions.c.user_id == bindparam("user_id"))
    .order_by(sessions.c.last_seen.desc())
)


def find_those(db: Connection, session_ids: Collection[str]) -> list[Session]:
    return SESSION.all(db, SESSION.select().where(sessions.c.id.in_(session_ids)))


def find_all(db: Connection, user_id: str) -> list[Session]:
    """Return every stored session of the user, oldest first."""
    query = SESSION.select().where(sessions.c.user_id == user_id).order_by(sessions.c.created_at)
    return SESSION.all(db, query)


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(sessions.c.id).where(sessions.c.expires_at < before).order_by(sessions.c.expires_at).limit(limit)
    return db.execute(delete(sessions).where(sessions.c.id.in_(old))).rowcount
