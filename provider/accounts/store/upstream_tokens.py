"""The tokens that upstream providers issued for linked identities, encrypted, and the clients that fetched them.

There is one row for each identity. It stays without tokens if the user stopped their use, so that the next sign-in does
not store any. `generation` grows with everything that is stored, and `claim` names the refresh that is under way.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    delete,
    or_,
    select,
    update,
)

from provider.accounts.store.linked_identities import linked_identities
from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

upstream_tokens = Table(
    "upstream_tokens",
    metadata,
    Column("identity_id", Identifier, ForeignKey("linked_identities.id", ondelete="CASCADE"), primary_key=True),
    Column("upstream", String(32), nullable=False),  # its key
    Column("sealed", Text),  # without it the user stopped the use
    Column("scope", String(2000), nullable=False),  # granted there
    Column("expires_at", UtcTime),  # of the access token, if the upstream says it
    Column("stored_at", UtcTime, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("claim", Identifier),  # of the refresh that is under way
    Column("claimed_until", UtcTime),
    Column("failed_at", UtcTime),  # the upstream did not answer
    Column("ended_at", UtcTime),  # the upstream was disabled: nothing uses the tokens, and the worker removes them
    Index("ix_upstream_tokens_upstream", "upstream"),
    Index("ix_upstream_tokens_ended_at", "ended_at"),
)

upstream_token_uses = Table(
    "upstream_token_uses",
    metadata,
    Column("identity_id", Identifier, ForeignKey("linked_identities.id", ondelete="CASCADE"), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("first_used_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),  # at most an hour late
    PrimaryKeyConstraint("identity_id", "client_id"),
    Index("ix_upstream_token_uses_client_id", "client_id"),
)


@dataclass(frozen=True)
class UpstreamTokens:
    """The tokens of one linked identity."""

    identity_id: str
    upstream: str
    sealed: str | None
    scope: str
    expires_at: datetime | None
    stored_at: datetime
    generation: int
    claim: str | None = None
    claimed_until: datetime | None = None
    failed_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether there are tokens that a client may get."""
        return self.sealed is not None and self.ended_at is None


@dataclass(frozen=True)
class Use:
    """That a client fetched tokens of an identity."""

    identity_id: str
    client_id: str
    first_used_at: datetime
    last_used_at: datetime


_TOKENS = rows_of(UpstreamTokens, upstream_tokens)
_USE = rows_of(Use, upstream_token_uses)


def find(db: Connection, identity_id: str) -> UpstreamTokens | None:
    return _TOKENS.one(db, _TOKENS.select().where(upstream_tokens.c.identity_id == identity_id))


def lock(db: Connection, identity_id: str) -> UpstreamTokens | None:
    """Return the row, locked until this transaction ends."""
    return _TOKENS.one(db, _TOKENS.select().where(upstream_tokens.c.identity_id == identity_id).with_for_update())


def find_of_user(db: Connection, user_id: str) -> list[UpstreamTokens]:
    """Return the tokens of the user's identities, those of the identity first that signed in last."""
    query = _TOKENS.select().join(linked_identities, linked_identities.c.id == upstream_tokens.c.identity_id)
    ordered = query.where(linked_identities.c.user_id == user_id).order_by(linked_identities.c.last_used_at.desc())
    return _TOKENS.all(db, ordered)


def replace(db: Connection, row: UpstreamTokens) -> None:
    """Store the tokens of an identity instead of those it has. A refresh that is under way loses its claim."""
    values = values_of(row)
    stored = upsert(db, upstream_tokens).values(values)
    db.execute(
        stored.on_conflict_do_update(
            index_elements=["identity_id"],
            set_={name: value for name, value in values.items() if name not in {"identity_id", "generation"}}
            | {"generation": upstream_tokens.c.generation + 1},
        )
    )


def claim(db: Connection, row: UpstreamTokens, claim_id: str, *, now: datetime, until: datetime) -> bool:
    """Claim the refresh of these tokens until a time. Returns False if another process has it, or has stored others."""
    is_free = or_(upstream_tokens.c.claimed_until.is_(None), upstream_tokens.c.claimed_until <= now)
    taken = (
        update(upstream_tokens)
        .where(
            upstream_tokens.c.identity_id == row.identity_id,
            upstream_tokens.c.generation == row.generation,
            upstream_tokens.c.sealed.is_not(None),
            upstream_tokens.c.ended_at.is_(None),
            is_free,
        )
        .values(claim=claim_id, claimed_until=until)
    )
    return db.execute(taken).rowcount == 1


def complete(db: Connection, row: UpstreamTokens, claim_id: str) -> bool:
    """Store what a refresh brought. Returns False if its claim is lost: others were stored, or all were removed."""
    table = upstream_tokens
    done = (
        update(table)
        .where(table.c.identity_id == row.identity_id, table.c.claim == claim_id, table.c.ended_at.is_(None))
        .values(
            sealed=row.sealed,
            scope=row.scope,
            expires_at=row.expires_at,
            stored_at=row.stored_at,
            generation=table.c.generation + 1,
            claim=None,
            claimed_until=None,
            failed_at=None,
        )
    )
    return db.execute(done).rowcount == 1


def release(db: Connection, identity_id: str, claim_id: str, *, failed_at: datetime) -> None:
    """Give a claim back after the upstream did not answer. The tokens stay."""
    table = upstream_tokens
    held = (table.c.identity_id == identity_id, table.c.claim == claim_id)
    db.execute(update(table).where(*held).values(claim=None, claimed_until=None, failed_at=failed_at))


def remove_claimed(db: Connection, identity_id: str, claim_id: str) -> bool:
    """Remove the tokens of a refresh that the upstream rejected. Returns False if its claim is lost."""
    table = upstream_tokens
    held = (table.c.identity_id == identity_id, table.c.claim == claim_id)
    return db.execute(delete(table).where(*held)).rowcount == 1


def remove(db: Connection, identity_ids: Collection[str]) -> int:
    """Remove all that is stored for these identities. Returns how many had tokens."""
    table = upstream_tokens
    return db.execute(delete(table).where(table.c.identity_id.in_(sorted(identity_ids)))).rowcount


def forget_uses(db: Connection, identity_id: str) -> None:
    db.execute(delete(upstream_token_uses).where(upstream_token_uses.c.identity_id == identity_id))


def end_of_upstream(db: Connection, upstream: str, *, now: datetime) -> int:
    """Let nothing use the tokens of an upstream any more, until `find_ended` finds them. Returns how many.

    One statement, whatever their number.
    """
    table = upstream_tokens
    live = (table.c.upstream == upstream, table.c.ended_at.is_(None), table.c.sealed.is_not(None))
    return db.execute(update(table).where(*live).values(ended_at=now)).rowcount


def find_ended(db: Connection, *, before: datetime, limit: int) -> list[UpstreamTokens]:
    """Return and lock tokens that ended by a time."""
    query = _TOKENS.select().where(upstream_tokens.c.ended_at <= before).order_by(upstream_tokens.c.ended_at)
    return _TOKENS.all(db, query.limit(limit).with_for_update())


def find_upstreams(db: Connection) -> list[str]:
    """Return the keys of the upstreams with tokens that are in use."""
    live = (upstream_tokens.c.ended_at.is_(None), upstream_tokens.c.sealed.is_not(None))
    query = select(upstream_tokens.c.upstream).where(*live).distinct()
    return sorted(db.scalars(query))


def use(db: Connection, identity_id: str, client_id: str, *, now: datetime, unless_since: datetime) -> bool:
    """Store that a client fetched tokens. Returns False, and writes nothing, if it did since `unless_since` already."""
    given = Use(identity_id, client_id, first_used_at=now, last_used_at=now)
    used = upsert(db, upstream_token_uses).values(values_of(given))
    stored = used.on_conflict_do_update(
        index_elements=["identity_id", "client_id"],
        set_={"last_used_at": now},
        where=upstream_token_uses.c.last_used_at < unless_since,
    )
    return db.scalar(stored.returning(upstream_token_uses.c.client_id)) is not None


def find_use(db: Connection, identity_id: str, client_id: str) -> Use | None:
    table = upstream_token_uses
    return _USE.one(db, _USE.select().where(table.c.identity_id == identity_id, table.c.client_id == client_id))


def find_uses(db: Connection, identity_ids: Collection[str]) -> list[Use]:
    """Return which clients fetched tokens of these identities, the latest first."""
    table = upstream_token_uses
    query = _USE.select().where(table.c.identity_id.in_(sorted(identity_ids)))
    return _USE.all(db, query.order_by(table.c.last_used_at.desc()))
