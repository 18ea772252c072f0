"""Delegations: which clients act for which users, by token exchange or an assertion, and which of them a user stopped.

There is one row for each user and client. A client that a user stopped gets no more tokens for them, and those that it
has stop working.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    case,
    delete,
    or_,
    select,
    tuple_,
    update,
)

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import joined_as, rows_of, values_of
from provider.database.types import Identifier, UtcTime
from provider.oauth.tokens.store.assertions import may_act
from provider.oauth.trusted_issuers.store import is_accepted

delegations = Table(
    "delegations",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("method", String(16), nullable=False),
    Column("via", String(255), nullable=False),  # the client that passed on the token, or the issuer or audience
    Column("scope", String(2000), nullable=False),
    Column("resources", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),  # of the last token
    Column("ended_at", UtcTime),  # the user stopped it
    Column("resumed_at", UtcTime),  # tokens from before stay ended
    PrimaryKeyConstraint("user_id", "client_id"),
    Index("ix_delegations_client_id", "client_id"),
    Index("ix_delegations_expires_at", "expires_at"),
)
EXCHANGE, ASSERTION, ID_JAG, UPSTREAM = "exchange", "assertion", "id-jag", "upstream"
"""The values of `method`: a token exchange here, an assertion of a trusted issuer, an ID-JAG for another server, a
token of an upstream provider.
"""


@dataclass(frozen=True)
class Delegation:
    """The way in which a client last acted for a user. `via` is whose token it used: a client_id, issuer or server."""

    user_id: str
    client_id: str
    method: str
    via: str
    scope: str
    resources: Sequence[str]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    resumed_at: datetime | None = None

    @property
    def scopes(self) -> list[str]:
        return self.scope.split()


class Actor(NamedTuple):
    """A client that acts for a user, with what decides whether it still may."""

    may_act: bool
    """Whether it is enabled and has been authenticated by a trusted issuer since the token was issued."""
    ended_at: datetime | None
    """When the user stopped it."""
    resumed_at: datetime | None
    """When the user last allowed it again."""


_DELEGATION = rows_of(Delegation, delegations)
IS_KNOWN = or_(
    delegations.c.method != ASSERTION,
    delegations.c.ended_at.is_not(None),
    is_accepted(delegations.c.via, delegations.c.last_used_at),
)
"""The condition of delegations that users see: not those by an issuer that is not trusted any more."""
_FIND = _DELEGATION.prepare(
    _DELEGATION.select().where(
        delegations.c.user_id == bindparam("user_id"), delegations.c.client_id == bindparam("client_id")
    )
)
_one = (delegations.c.user_id == bindparam("user"), delegations.c.client_id == bindparam("actor", type_=String))
_ACTOR = joined_as(
    Actor,
    may_act=may_act(bindparam("actor", type_=String), bindparam("issued", type_=UtcTime)),
    ended_at=select(delegations.c.ended_at).where(*_one).scalar_subquery(),
    resumed_at=select(delegations.c.resumed_at).where(*_one).scalar_subquery(),
)
_FIND_ACTOR = _ACTOR.prepare(_ACTOR.select())


def use(db: Connection, delegation: Delegation) -> bool:
    """Store that a client acts for a user, unless the user stopped it. Returns False if they did.

    One statement decides, so that a client that is stopped at the same moment gets nothing.
    """
    given = values_of(delegation)
    changed = {name: given[name] for name in ("method", "via", "scope", "resources", "last_used_at")}
    known, until = delegations.c.expires_at, delegation.expires_at
    later = case((known > until, known), else_=until)
    statement = upsert(db, delegations).values(given)
    used = statement.on_conflict_do_update(
        index_elements=["user_id", "client_id"],
        set_={**changed, "expires_at": later},
        where=delegations.c.ended_at.is_(None),
    )
    return db.scalar(used.returning(delegations.c.client_id)) is not None


def find(db: Connection, user_id: str, client_id: str) -> Delegation | None:
    return _FIND.one(db, {"user_id": user_id, "client_id": client_id})


def find_actor(db: Connection, user_id: str, client_id: str, *, issued: datetime) -> Actor:
    """Return whether a client may still act for the user with a token that was issued at the time `issued`."""
    found = _FIND_ACTOR.one(db, {"user": user_id, "actor": client_id, "issued": issued})
    assert found is not None  # noqa: S101  # it reads no table whose rows could be missing
    return found


def find_of_user(db: Connection, user_id: str) -> list[Delegation]:
    """Return the delegations of a user, the latest first."""
    query = _DELEGATION.select().where(delegations.c.user_id == user_id, IS_KNOWN)
    return _DELEGATION.all(db, query.order_by(delegations.c.last_used_at.desc()))


def end(db: Connection, user_id: str, client_id: str, *, now: datetime) -> bool:
    """Stop the client. Returns False if it does not act for the user, or was stopped already."""
    one = (delegations.c.user_id == user_id, delegations.c.client_id == client_id, delegations.c.ended_at.is_(None))
    return db.execute(update(delegations).where(*one).values(ended_at=now)).rowcount == 1


def resume(db: Connection, user_id: str, client_id: str, *, now: datetime) -> bool:
    """Allow a stopped client again. Returns False if it was not stopped."""
    one = (delegations.c.user_id == user_id, delegations.c.client_id == client_id, delegations.c.ended_at.is_not(None))
    return db.execute(update(delegations).where(*one).values(ended_at=None, resumed_at=now)).rowcount == 1


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete delegations whose last token expired before `before`. Those that a user stopped are kept."""
    key = tuple_(delegations.c.user_id, delegations.c.client_id)
    is_old = (delegations.c.expires_at < before, delegations.c.ended_at.is_(None))
    old = (
        select(delegations.c.user_id, delegations.c.client_id)
        .where(*is_old)
        .order_by(delegations.c.expires_at)
        .limit(limit)
    )
    rows = [tuple(row) for row in db.execute(old)]
    return db.execute(delete(delegations).where(key.in_(rows), *is_old)).rowcount
