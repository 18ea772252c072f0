"""Authorization requests parked while the user signs in (decision 67), found by the digest of the request_uri."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    Column("earlier_session", Digest),  # unused; the previous release, which may still run during an upgrade, writes it
    Column("signed_in_session_id", Identifier),  # the session whose user signed in for this request
    Index("ix_authorization_requests_expires_at", "expires_at"),
    Index("ix_authorization_requests_client_id", "client_id"),
)


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
    signed_in_session_id: str | None = None

    def has_sign_in_of(self, session: Session) -> bool:
        """Return whether the user of this session signed in on the pages of this request, in the browser that has it.

        The session keeps its id when the user shows another factor or signs in again. No time is compared: a browser
        may withhold its session at the first visit, and the clocks of two nodes differ. A later sign-in for which an
        upstream did not ask the user counts for no request.
        """
        return self.signed_in_session_id == session.id and not session.proven_earlier

    def is_for(self, session: Session) -> bool:
        """Return whether the user chose this session for the request, or signed in to it on its pages."""
        return self.chosen_session_id == session.id or self.has_sign_in_of(session)


NOTHING_DONE: dict[str, Any] = {"signed_in_session_id": None, "chosen_session_id": None, "consented_by": None}
"""What the user of a browser does for a request, before anything is done."""
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
    return db.execute(update(authorization_requests).where(*free).values(taken | NOTHING_DONE)).rowcount == 1


def record(db: Connection, digest: bytes, browser: bytes, values: dict[str, Any], *, now: datetime) -> None:
    """Note what the user of this browser did for the request (`NOTHING_DONE`), if it still waits there."""
    waiting = (
        authorization_requests.c.digest == digest,
        authorization_requests.c.browser == browser,
        authorization_requests.c.completed_at.is_(None),
        authorization_requests.c.expires_at > now,
    )
    db.execute(update(authorization_requests).where(*waiting).values(values))


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
    old = (
        select(authorization_requests.c.digest)
        .where(authorization_requests.c.expires_at < before)
        .order_by(authorization_requests.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(authorization_requests).where(authorization_requests.c.digest.in_(old))).rowcount
