"""The session of an upstream that a session here came from. It is deleted with the session."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    or_,
    select,
)

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of
from provider.database.types import Identifier
from provider.sessions.store import sessions

upstream_sessions = Table(
    "upstream_sessions",
    metadata,
    Column("session_id", Identifier, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("upstream", String(32), nullable=False),  # its key
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("sid", String(255)),
    Column("sealed_id_token", Text),  # only where a sign-out here is one there too
    Index("ix_upstream_sessions_issuer_subject", "issuer", "subject"),
    Index("ix_upstream_sessions_issuer_sid", "issuer", "sid"),
)


@dataclass(frozen=True)
class UpstreamSession:
    session_id: str
    upstream: str
    """The key of the upstream."""
    issuer: str
    subject: str
    sid: str | None
    """The upstream's ID of its session, if its ID token has one."""
    sealed_id_token: str | None


_ROW = rows_of(UpstreamSession, upstream_sessions)
_OTHERS = tuple(column.name for column in upstream_sessions.c if column.name != "session_id")


def put(
    db: Connection,
    session_digest: bytes,
    *,
    upstream: str,
    issuer: str,
    subject: str,
    sid: str | None,
    sealed_id_token: str | None,
) -> None:
    """Store where the session with this cookie digest came from. A session that continues keeps only the latest."""
    given = {"upstream": upstream, "issuer": issuer, "subject": subject, "sid": sid, "sealed_id_token": sealed_id_token}
    values = [bindparam(None, given[name], type_=upstream_sessions.c[name].type) for name in _OTHERS]
    added = upsert(db, upstream_sessions).from_select(
        ["session_id", *_OTHERS], select(sessions.c.id, *values).where(sessions.c.digest == session_digest)
    )
    db.execute(
        added.on_conflict_do_update(
            index_elements=["session_id"], set_={name: getattr(added.excluded, name) for name in _OTHERS}
        )
    )


def find(db: Connection, session_ids: Collection[str]) -> dict[str, UpstreamSession]:
    """Return where these sessions came from, by their IDs. Those that came from no upstream are left out."""
    query = _ROW.select().where(upstream_sessions.c.session_id.in_(session_ids))
    return {row.session_id: row for row in _ROW.all(db, query)}


def find_to_end(
    db: Connection, *, issuer: str, subject: str | None, sid: str | None, ended_too: bool = False
) -> list[str]:
    """Return the IDs of the sessions here that have not ended, and came from this user or this session there.

    Where both are given, a session of the user counts also if the upstream did not say which of theirs it came from.
    With `ended_too`, also those that have ended, in which apps may have got tokens that outlive them.
    """
    this = [upstream_sessions.c.issuer == issuer]
    if subject is not None:
        this.append(upstream_sessions.c.subject == subject)
    if sid is not None:
        is_it = upstream_sessions.c.sid == sid
        unknown = and_(upstream_sessions.c.sid.is_(None), upstream_sessions.c.subject == subject)
        this.append(is_it if subject is None else or_(is_it, unknown))
    joined = select(upstream_sessions.c.session_id).join(sessions, sessions.c.id == upstream_sessions.c.session_id)
    if not ended_too:
        this.append(sessions.c.ended_at.is_(None))
    return list(db.scalars(joined.where(*this)))


def remove(db: Connection, session_ids: Collection[str]) -> None:
    db.execute(delete(upstream_sessions).where(upstream_sessions.c.session_id.in_(session_ids)))
