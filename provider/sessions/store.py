"""The sessions table: a browser's sign-in, found by the digest of its cookie."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    and_,
    bindparam,
    column,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    table,
    update,
)

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.security_stamp import has_same_stamp, stamp_column
from provider.database.types import Digest, Identifier, UtcTime

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


@dataclass(frozen=True)
class ActiveSession(Session):
    """A session that was active when it was read, whose user was active too."""

    required_factor: str | None = None
    """The strictest `required_factor` of the user's roles, or None if no role requires one."""


SESSION = rows_of(Session, sessions)


def add(db: Connection, session: Session) -> None:
    db.execute(insert(sessions), _values_of(session))


def _values_of(session: Session) -> dict[str, Any]:
    values = values_of(session)
    return {column.name: values[column.name] for column in sessions.c}


ACTIVE_USER = "ACTIVE"
"""The status of users whose sessions are active: the stored value of `accounts.store.users.Status.ACTIVE`."""

# A session counts only while its user does: active, and with the same security stamp. The tables of users and roles are
# accounts' and sit above this one, so they are named here without an import.
_users = table("users", column("id"), column("status"), column("not_before", UtcTime()))
_roles = table("roles", column("name"), column("required_factor", String()))
_user_roles = table("user_roles", column("role"), column("user_id"))
# Of an active session of an earlier release, the stamp is its user's: what begins in it keeps that.
_ACTIVE_SESSION = rows_of(
    ActiveSession,
    sessions,
    security_stamp=func.coalesce(sessions.c.security_stamp, stamp_column(_users.c.not_before)),
    required_factor=select(func.min(_roles.c.required_factor))  # of two, "passkey" is the stricter and the first
    .join(_user_roles, _user_roles.c.role == _roles.c.name)
    .where(_user_roles.c.user_id == sessions.c.user_id)
    .correlate(sessions)
    .scalar_subquery()
    .label("required_factor"),
)
_ACTIVE = (
    _ACTIVE_SESSION.select()
    .join(_users, _users.c.id == sessions.c.user_id)
    .where(
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > bindparam("now"),
        sessions.c.last_seen > bindparam("idle_since"),
        _users.c.status == ACTIVE_USER,
        has_same_stamp(
            sessions.c.security_stamp,
            _users.c.not_before,
            otherwise=sessions.c.auth_time >= stamp_column(_users.c.not_before),
        ),
    )
)
_BY_DIGEST = _ACTIVE_SESSION.prepare(_ACTIVE.where(sessions.c.digest == bindparam("digest")))


def find_active(db: Connection, digest: bytes, *, now: datetime, idle_since: datetime) -> ActiveSession | None:
    """Return the active session with this cookie digest, if its user is active too."""
    return _BY_DIGEST.one(db, {"digest": digest, "now": now, "idle_since": idle_since})


def find_all_active(
    db: Connection, digests: Collection[bytes], *, now: datetime, idle_since: datetime
) -> list[ActiveSession]:
    """Return the active sessions with these cookie digests whose users are active too."""
    given = {"now": now, "idle_since": idle_since, "digests": list(digests)}
    return _ACTIVE_SESSION.all(db, _ACTIVE.where(sessions.c.digest.in_(bindparam("digests", expanding=True))), given)


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
    values = {
        "digest": new_digest,
        "auth_time": auth_time,
        "proven_earlier": False,
        "amr": amr,
        "pending": None,
        "pending_until": None,
        "last_seen": last_seen,
    }
    return db.execute(update(sessions).where(current).values(**values)).rowcount == 1


def restart(db: Connection, session: Session, *, old_digest: bytes) -> bool:
    """Restart the same session (`sid`) from its first factor.

    Returns False if it was renewed or ended meanwhile.
    """
    current = and_(sessions.c.id == session.id, sessions.c.digest == old_digest, sessions.c.ended_at.is_(None))
    return db.execute(update(sessions).where(current).values(_values_of(session))).rowcount == 1


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


def find_live(db: Connection, user_id: str, *, now: datetime, idle_since: datetime) -> list[Session]:
    """Return a user's active sessions, the most recently used first. Those that still need a factor are left out."""
    query = SESSION.select().where(
        sessions.c.user_id == user_id,
        sessions.c.ended_at.is_(None),
        sessions.c.pending.is_(None),
        sessions.c.expires_at > now,
        sessions.c.last_seen > idle_since,
    )
    return SESSION.all(db, query.order_by(sessions.c.last_seen.desc()))


def find_active_page(
    db: Connection, *, now: datetime, idle_since: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[Session]:
    """Return a page of all users' active sessions, the latest to expire first.

    `after` is `expires_at` and `id` of the last one of the previous page. Sessions that still need a factor are left
    out.
    """
    until, session_id = sessions.c.expires_at, sessions.c.id
    query = SESSION.select().where(
        until > now, sessions.c.ended_at.is_(None), sessions.c.pending.is_(None), sessions.c.last_seen > idle_since
    )
    if after is not None:
        query = query.where(until <= after[0], or_(until < after[0], session_id < after[1]))
    return SESSION.all(db, query.order_by(until.desc(), session_id.desc()).limit(limit))


def find_methods(db: Connection) -> list[str]:
    """Return each `amr` that sessions have, however many sessions there are: one step of an index for each."""
    each = select(func.min(sessions.c.amr).label("amr")).cte("methods", recursive=True)
    following = select(func.min(sessions.c.amr)).where(sessions.c.amr > each.c.amr).scalar_subquery()
    each = each.union_all(select(following).where(each.c.amr.is_not(None)))
    return list(db.scalars(select(each.c.amr).where(each.c.amr.is_not(None))))


def count_with(db: Connection, amrs: Collection[str], *, limit: int) -> int:
    """Count the sessions with one of these `amr`, active or not, up to `limit`."""
    some = select(sessions.c.id).where(sessions.c.amr.in_(amrs)).limit(limit).subquery()
    return db.scalar(select(func.count()).select_from(some)) or 0


def find_those(db: Connection, session_ids: Collection[str]) -> list[Session]:
    return SESSION.all(db, SESSION.select().where(sessions.c.id.in_(session_ids)))


def find_all(db: Connection, user_id: str) -> list[Session]:
    """Return every stored session of the user, oldest first."""
    query = SESSION.select().where(sessions.c.user_id == user_id).order_by(sessions.c.created_at)
    return SESSION.all(db, query)


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(sessions.c.id).where(sessions.c.expires_at < before).limit(limit)
    return db.execute(delete(sessions).where(sessions.c.id.in_(old))).rowcount
