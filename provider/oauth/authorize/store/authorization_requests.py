"""Authorization requests parked while the user signs in (decision 67), found by the digest of the request_uri."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    delete,
    false,
    insert,
    or_,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime
from provider.sessions.store import Session

authorization_requests = Table(
    "authorization_requests",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("browser", Digest),  # the browser it belongs to; bound at the first visit
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("chosen_session_id", Identifier),  # the account the person chose to go on with
    Column("consented_by", Identifier),  # the person who just allowed it
    Column("completed_at", UtcTime),
    Column("pushed", Boolean, nullable=False, server_default=false()),  # by the client itself: it gives one code
    Column("earlier_session", Digest),  # the digest of the browser's session at its first visit; empty: it had none
    Index("ix_authorization_requests_expires_at", "expires_at"),
    Index("ix_authorization_requests_client_id", "client_id"),
)


LEEWAY = timedelta(minutes=2, seconds=30)
"""How far the clocks of two nodes may be apart. With PostgreSQL they follow the database's clock (`provider.clock`)."""


@dataclass(frozen=True)
class ParkedRequest:
    digest: bytes
    client_id: str
    parameters: dict[str, str]
    browser: bytes | None
    created_at: datetime
    expires_at: datetime
    chosen_session_id: str | None
    consented_by: str | None
    completed_at: datetime | None
    pushed: bool = False
    earlier_session: bytes | None = None

    def is_proven_by(self, session: Session) -> bool:
        """Return whether the user signed in, or showed a factor, since the browser opened this request.

        Both give the session a new identifier. The time says little, because two nodes may have written the two times;
        but a browser can withhold its cookie at the first visit, so a session from long before does not count. Requests
        that the browser opened at a node of an earlier release have only their time.
        """
        if self.earlier_session is None:
            return session.auth_time >= self.created_at
        is_another = session.digest != self.earlier_session and not session.proven_earlier
        return is_another and session.auth_time >= self.created_at - LEEWAY


_PARKED = rows_of(ParkedRequest, authorization_requests)


def add(db: Connection, parked: ParkedRequest) -> None:
    db.execute(insert(authorization_requests), values_of(parked))


def find(db: Connection, digest: bytes, *, now: datetime) -> ParkedRequest | None:
    """Return a parked request, any number of times, until a code was issued for it or it expired. Otherwise returns
    None.
    """
    query = _PARKED.select().where(
        authorization_requests.c.digest == digest,
        authorization_requests.c.expires_at > now,
        authorization_requests.c.completed_at.is_(None),
    )
    return _PARKED.one(db, query)


def bind_browser(
    db: Connection,
    digest: bytes,
    browser: bytes,
    *,
    earlier_session: bytes,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Bind the request to a browser until `expires_at`, without what was done in another one.

    A pushed request goes from browser to browser until it is completed. Any other stays with the first one: returns
    False.
    """
    free = (
        authorization_requests.c.digest == digest,
        authorization_requests.c.completed_at.is_(None),
        or_(authorization_requests.c.browser.is_(None), authorization_requests.c.pushed),
    )
    taken = {"browser": browser, "created_at": now, "expires_at": expires_at}
    taken |= {"earlier_session": earlier_session, "chosen_session_id": None, "consented_by": None}
    return db.execute(update(authorization_requests).where(*free).values(taken)).rowcount == 1


def choose_session(db: Connection, parked: ParkedRequest, session_id: str) -> None:
    """Note the session that the user chose, unless another browser has taken the request over."""
    db.execute(update(authorization_requests).where(*_still(parked)).values(chosen_session_id=session_id))


def mark_consented(db: Connection, parked: ParkedRequest, user_id: str) -> None:
    """Note the user who consented, unless another browser has taken the request over."""
    db.execute(update(authorization_requests).where(*_still(parked)).values(consented_by=user_id))


def _still(parked: ParkedRequest) -> tuple[ColumnElement[bool], ...]:
    return (authorization_requests.c.digest == parked.digest, authorization_requests.c.browser == parked.browser)


def complete(db: Connection, digest: bytes, *, now: datetime) -> bool:
    """Mark the request as completed: a code was issued or the user declined. Returns False if it was already."""
    waiting = (authorization_requests.c.digest == digest, authorization_requests.c.completed_at.is_(None))
    return db.execute(update(authorization_requests).where(*waiting).values(completed_at=now)).rowcount == 1


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(authorization_requests.c.digest).where(authorization_requests.c.expires_at < before).limit(limit)
    return db.execute(delete(authorization_requests).where(authorization_requests.c.digest.in_(old))).rowcount
