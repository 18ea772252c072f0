"""What the tables of requests that a client polls for have in common (RFC 8628 section 3.4, CIBA section 7.3).

A row holds what was requested, how often the client may poll, and the user's answer. Each table adds columns of its
own (decision 273). Its first ones are those of `polled_columns`, and its rows are dataclasses that
inherit from `PolledRequest`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    select,
    update,
)

from provider.database.dialect import is_postgresql, upsert
from provider.database.rows import joined, rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime
from provider.oauth.tokens.store import grants, refresh_tokens
from provider.oauth.tokens.store.grants import GRANT, STATE, Grant, join_state
from provider.oauth.tokens.store.people import PERSON, join_address
from provider.oauth.tokens.store.presented import Presented
from provider.oauth.tokens.store.refresh_tokens import RefreshToken


@dataclass(frozen=True)
class PolledRequest:
    """A request of a client that polls for the user's answer."""

    digest: bytes
    client_id: str
    scope: str
    network: str
    created_at: datetime
    expires_at: datetime
    poll_interval: int
    next_poll_at: datetime
    answered_at: datetime | None
    grant_id: str | None
    spent_at: datetime | None


def polled_columns() -> tuple[Column[Any], ...]:
    """Return the columns of a PolledRequest, for a new table."""
    return (
        Column("digest", Digest, primary_key=True),
        Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
        Column("scope", String(2000), nullable=False),
        Column("network", String(64), nullable=False),  # where the client asked from
        Column("created_at", UtcTime, nullable=False),
        Column("expires_at", UtcTime, nullable=False),
        Column("poll_interval", Integer, nullable=False),  # seconds; grows when the client asks too often
        Column("next_poll_at", UtcTime, nullable=False),
        Column("answered_at", UtcTime),
        Column("grant_id", Identifier, ForeignKey("grants.id", ondelete="CASCADE")),  # answered without one: denied
        Column("spent_at", UtcTime),
    )


def polled_indexes(name: str) -> tuple[Index, ...]:
    """Return the indexes of these columns, for the table of this name."""
    return tuple(Index(f"ix_{name}_{column}", column) for column in ("client_id", "expires_at", "grant_id"))


_ALLOWED = joined(GRANT, STATE, PERSON)
_FIND_ALLOWED = _ALLOWED.prepare(
    _ALLOWED.select()
    .select_from(join_address(join_state(grants.grants)))
    .where(grants.grants.c.id == bindparam("grant_id"))
)
RowT = TypeVar("RowT", bound=PolledRequest)


def find_allowed(db: Connection, request: RowT) -> Presented[RowT] | None:
    """Return the request with the grant that the user approved. The grant is deleted with its request: returns None if
    both were just deleted.
    """
    found = _FIND_ALLOWED.one(db, {"grant_id": request.grant_id})
    if found is None:
        return None
    grant, state, person = found
    return Presented(request, grant, state, person)


class PolledTable(Generic[RowT]):
    """The statements on a table of polled requests. Each change is one conditional write."""

    def __init__(self, table: Table, row_class: type[RowT]) -> None:
        self._table = table
        self.rows = rows_of(row_class, table)
        self._spend = (
            update(table)
            .where(table.c.digest == bindparam("code_digest"), table.c.spent_at.is_(None))
            .values(spent_at=bindparam("now"))
        )
        self._redeem_at_once = refresh_tokens.insert_after(self._spend.returning(table.c.grant_id))

    def add(self, db: Connection, request: RowT) -> bool:
        """Store a request. Returns False if another one has one of its unique values."""
        added = upsert(db, self._table).values(values_of(request)).on_conflict_do_nothing()
        return db.scalar(added.returning(self._table.c.digest)) is not None

    def find(self, db: Connection, digest: bytes) -> RowT | None:
        return self.rows.one(db, self.rows.select().where(self._table.c.digest == digest))

    def answer(self, db: Connection, digest: bytes, *, now: datetime) -> bool:
        """Mark the request as answered. Returns False if it was answered before or has expired."""
        columns = self._table.c
        waiting = (columns.digest == digest, columns.answered_at.is_(None), columns.expires_at > now)
        return db.execute(update(self._table).where(*waiting).values(answered_at=now)).rowcount == 1

    def attach(self, db: Connection, digest: bytes, grant: Grant) -> None:
        """Store the grant of an approved request."""
        grants.add(db, grant)
        db.execute(update(self._table).where(self._table.c.digest == digest).values(grant_id=grant.id))

    def poll(self, db: Connection, request: RowT, *, next_poll_at: datetime, now: datetime) -> bool:
        """Note that the client polled. Returns False if it was too early."""
        in_time = (self._table.c.digest == request.digest, self._table.c.next_poll_at <= now)
        return db.execute(update(self._table).where(*in_time).values(next_poll_at=next_poll_at)).rowcount == 1

    def slow_down(self, db: Connection, request: RowT, *, poll_interval: int, next_poll_at: datetime) -> None:
        """Make the client wait longer between polls from now on."""
        slower = update(self._table).where(self._table.c.digest == request.digest)
        db.execute(slower.values(poll_interval=poll_interval, next_poll_at=next_poll_at))

    def redeem(self, db: Connection, digest: bytes, *, refresh_token: RefreshToken | None, now: datetime) -> bool:
        """Spend the request and add the first refresh token of its family; False when it was spent before."""
        if is_postgresql(db) and refresh_token is not None:
            values = {"code_digest": digest, "now": now, **refresh_tokens.bind_new(refresh_token)}
            return self._redeem_at_once.change(db, values) == 1
        if db.execute(self._spend, {"code_digest": digest, "now": now}).rowcount != 1:
            return False
        if refresh_token is not None:
            refresh_tokens.add(db, refresh_token)
        return True

    def purge(self, db: Connection, *, before: datetime, limit: int) -> int:
        old = (
            select(self._table.c.digest)
            .where(self._table.c.expires_at < before)
            .order_by(self._table.c.expires_at)
            .limit(limit)
        )
        return db.execute(delete(self._table).where(self._table.c.digest.in_(old))).rowcount
