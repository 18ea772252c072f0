"""Refresh tokens by digest: the family and generation of each, and when it was rotated."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Insert,
    Integer,
    String,
    Table,
    Update,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.dialect import is_postgresql
from provider.database.prepared import Prepared
from provider.database.rows import Rows, joined_as, rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime
from provider.oauth.sender_constraint.store import SPENT, Proof, bind_proof, spend
from provider.oauth.tokens.store.grants import GRANT, STATE, grants, join_state
from provider.oauth.tokens.store.people import PERSON, join_address
from provider.oauth.tokens.store.presented import Presented
from provider.sessions.store import sessions

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("grant_id", Identifier, ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("rotated_at", UtcTime),
    Column("confirmation", String(64)),  # the key that a public client must prove (RFC 9449 section 5)
    Index("ix_refresh_tokens_grant_id", "grant_id"),
    Index("ix_refresh_tokens_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class RefreshToken:
    digest: bytes
    grant_id: str
    generation: int
    expires_at: datetime
    rotated_at: datetime | None
    confirmation: str | None = None


_TOKEN = rows_of(RefreshToken, refresh_tokens)
_PRESENTED: Rows[Presented[RefreshToken]] = joined_as(Presented, row=_TOKEN, grant=GRANT, state=STATE, person=PERSON)
_with_grant = refresh_tokens.join(grants, grants.c.id == refresh_tokens.c.grant_id)
_FIND = _PRESENTED.prepare(
    _PRESENTED.select()
    .select_from(join_address(join_state(_with_grant)))
    .where(refresh_tokens.c.digest == bindparam("digest"))
)
_ROTATE = (
    update(refresh_tokens)
    .where(refresh_tokens.c.digest == bindparam("old_digest"), refresh_tokens.c.rotated_at.is_(None))
    .values(rotated_at=bindparam("now"))
)
_ROTATE_ALONE = Prepared(_ROTATE)
_INSERT = Prepared(insert(refresh_tokens))


def insert_after(change: Update) -> Prepared:
    """Return a PostgreSQL statement that adds a refresh token if `change` changed its row. `change` returns the
    grant_id.

    Bind names begin with n_: one named like a column would be taken for its value.
    """
    return Prepared(_insert_after(change))


def _insert_after(change: Update) -> Insert:
    changed = change.cte("changed")
    values = select(
        cast(bindparam("n_digest"), Digest),
        changed.c.grant_id,
        cast(bindparam("n_generation"), Integer),
        cast(bindparam("n_expires_at"), UtcTime),
        cast(bindparam("n_confirmation"), String),
    )
    names = ["digest", "grant_id", "generation", "expires_at", "confirmation"]
    return insert(refresh_tokens).from_select(names, values)


_ROTATE_RETURNING = _ROTATE.returning(refresh_tokens.c.grant_id)
_ROTATE_AT_ONCE = insert_after(_ROTATE_RETURNING)
_ADDED = _insert_after(_ROTATE_RETURNING.where(exists(SPENT.select()))).returning(refresh_tokens.c.digest).cte("added")
_FOUND = [exists(each.select()) for each in (SPENT, _ADDED)]
_ROTATE_WITH_PROOF = Prepared(select(*_FOUND), _FOUND)


class Rotation(NamedTuple):
    """The result of a rotation, and of the DPoP proof of its request."""

    is_new: bool
    """False if the proof was used before. Then nothing was changed."""
    is_rotated: bool
    """False if another request has rotated or deleted the token."""


def add(db: Connection, token: RefreshToken) -> None:
    _INSERT.change(db, values_of(token))


def find(db: Connection, digest: bytes) -> Presented[RefreshToken] | None:
    return _FIND.one(db, {"digest": digest})


def rotate(db: Connection, digest: bytes, *, successor: RefreshToken, now: datetime) -> bool:
    """Retire a token for its successor. Returns False if another request has rotated or deleted it."""
    if is_postgresql(db):
        return _ROTATE_AT_ONCE.change(db, {"old_digest": digest, "now": now, **bind_new(successor)}) == 1
    if _ROTATE_ALONE.change(db, {"old_digest": digest, "now": now}) != 1:
        return False
    add(db, successor)
    return True


def rotate_with_proof(
    db: Connection, digest: bytes, *, successor: RefreshToken, now: datetime, proof: Proof
) -> Rotation:
    """Use a DPoP proof, and retire a token for its successor if the proof is new."""
    if is_postgresql(db):
        values = {"old_digest": digest, "now": now, **bind_new(successor), **bind_proof(proof)}
        return Rotation(*_ROTATE_WITH_PROOF.rows(db, values)[0])
    if not spend(db, proof):
        return Rotation(is_new=False, is_rotated=False)
    return Rotation(is_new=True, is_rotated=rotate(db, digest, successor=successor, now=now))


def extend(db: Connection, digest: bytes, *, expires_at: datetime) -> bool:
    """Let a token that is not rotated expire at this time. Returns False if it was deleted."""
    one = update(refresh_tokens).where(refresh_tokens.c.digest == digest)
    return db.execute(one.values(expires_at=expires_at)).rowcount == 1


def bind_new(token: RefreshToken) -> dict[str, object]:
    """Return the values that `insert_after` binds."""
    return {
        "n_digest": token.digest,
        "n_generation": token.generation,
        "n_expires_at": token.expires_at,
        "n_confirmation": token.confirmation,
    }


def find_plain(db: Connection, digest: bytes) -> RefreshToken | None:
    return _TOKEN.one(db, _TOKEN.select().where(refresh_tokens.c.digest == digest))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` tokens that expired before `before`, and the grants that are unusable without them; return
    how many tokens.
    """
    old = (
        select(refresh_tokens.c.digest)
        .where(refresh_tokens.c.expires_at < before)
        .order_by(refresh_tokens.c.expires_at)
        .limit(limit)
    )
    deleted = delete(refresh_tokens).where(refresh_tokens.c.digest.in_(old)).returning(refresh_tokens.c.grant_id)
    grant_ids = list(db.scalars(deleted))
    delete_unusable_grants(db, set(grant_ids), before=before)
    return len(grant_ids)


def delete_unusable_grants(db: Connection, grant_ids: Collection[str], *, before: datetime) -> None:
    """Delete those of these grants that have no refresh token.

    The caller knows that what was issued for these grants expired before `before`. Two grants of a client stay,
    although nothing can be done with them: the latest in a session that may still be active, because logout notifies
    the clients that have one, and the latest of each user, from which shared signals know that the client knows them.
    """
    if not grant_ids:
        return
    newer = grants.alias("newer")
    newer_in_session, newer_of_user = (
        exists().where(
            newer.c[owner] == grants.c[owner], newer.c.client_id == grants.c.client_id, newer.c.id > grants.c.id
        )
        for owner in ("session_id", "user_id")
    )
    in_session = exists().where(
        sessions.c.id == grants.c.session_id, sessions.c.ended_at.is_(None), sessions.c.expires_at > before
    )
    unusable = (
        grants.c.id.in_(grant_ids),
        ~exists().where(refresh_tokens.c.grant_id == grants.c.id),
        or_(newer_in_session, and_(~in_session, newer_of_user)),
    )
    db.execute(delete(grants).where(*unusable))
