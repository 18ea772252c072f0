"""Backchannel authentication requests by the digest of their auth_req_id (CIBA section 7.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, ColumnElement, Connection, ForeignKey, Index, String, Table, Text, select

from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.types import Identifier
from provider.oauth.grants.store.polled_requests import PolledRequest, PolledTable, polled_columns, polled_indexes

backchannel_requests = Table(
    "backchannel_requests",
    metadata,
    *polled_columns(),
    Column("id", Identifier, nullable=False, unique=True),  # in the link of the email; no secret
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),  # who is asked
    Column("binding_message", String(200)),
    Column("acr_values", String(200), nullable=False),
    Column("resources", JSON, nullable=False),  # the APIs that tokens are requested for (RFC 8707)
    Column("notification", Text),  # encrypted: what the ping needs, if the client gets one
    *polled_indexes("backchannel_requests"),
    Index("ix_backchannel_requests_user_id", "user_id"),
)


@dataclass(frozen=True)
class BackchannelRequest(PolledRequest):
    """A backchannel authentication request, and the user's answer."""

    id: str
    user_id: str
    binding_message: str | None
    acr_values: str
    resources: Sequence[str]
    notification: str | None


REQUESTS = PolledTable(backchannel_requests, BackchannelRequest)
find, purge = REQUESTS.find, REQUESTS.purge


def _waiting(user_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    columns = backchannel_requests.c
    return columns.user_id == user_id, columns.expires_at > now, columns.answered_at.is_(None)


def find_waiting(db: Connection, request_id: str, *, user_id: str, now: datetime) -> BackchannelRequest | None:
    """Return the unanswered request with this id, if it is for this user."""
    query = REQUESTS.rows.select().where(backchannel_requests.c.id == request_id, *_waiting(user_id, now))
    return REQUESTS.rows.one(db, query)


_ANY = Prepared(select(backchannel_requests.c.digest).limit(1))


def is_used(db: Connection) -> bool:
    """Return whether there is any request, answered or not."""
    return bool(_ANY.rows(db, {}))


def find_waiting_of_user(db: Connection, user_id: str, *, now: datetime, limit: int) -> list[BackchannelRequest]:
    """Return the requests that wait for this user's answer, the latest first."""
    query = REQUESTS.rows.select().where(*_waiting(user_id, now))
    return REQUESTS.rows.all(db, query.order_by(backchannel_requests.c.id.desc()).limit(limit))
