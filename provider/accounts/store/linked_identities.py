"""Identities at upstream providers that can sign a user in, found by issuer and subject (OIDC Core section 2)."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from provider.database import dialect
from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

linked_identities = Table(
    "linked_identities",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("issuer", String(255), nullable=False),  # not the name in the configuration, which may come to mean another
    Column("subject", String(255), nullable=False),
    Column(
        "email", String(254)
    ),  # as the upstream told it when it was linked: shown; compared only with signals that name a user by it
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    Column("prove_after", UtcTime),  # the upstream must ask its user again at a sign-in after this; NULL: it need not
    UniqueConstraint("issuer", "subject"),
    Index("ix_linked_identities_user_id", "user_id"),
)


@dataclass(frozen=True)
class LinkedIdentity:
    id: str
    user_id: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    last_used_at: datetime
    prove_after: datetime | None = None
    """Since when the upstream has to ask its user again at the next sign-in, because it reported a danger."""


_IDENTITY = rows_of(LinkedIdentity, linked_identities)


def queue_for(db: Connection, issuer: str, subject: str) -> None:
    """Wait until no other transaction is linking this identity, and block others until this one ends.

    Links that earlier transactions committed are visible afterwards.
    """
    dialect.queue_for(db, f"{issuer} {subject}")


def add(db: Connection, identity: LinkedIdentity) -> None:
    db.execute(insert(linked_identities), values_of(identity))


def find(db: Connection, issuer: str, subject: str) -> LinkedIdentity | None:
    one = (linked_identities.c.issuer == issuer, linked_identities.c.subject == subject)
    return _IDENTITY.one(db, _IDENTITY.select().where(*one))


def lock(db: Connection, identity_id: str) -> LinkedIdentity | None:
    """Lock a linked identity until this transaction ends. Return it as it is now, or None if it was removed."""
    query = _IDENTITY.select().where(linked_identities.c.id == identity_id)
    return _IDENTITY.one(db, query.with_for_update(key_share=True))


def find_user_id(db: Connection, identity_id: str) -> str | None:
    """Return the ID of the user to whom this identity is linked."""
    return db.scalar(select(linked_identities.c.user_id).where(linked_identities.c.id == identity_id))


def find_linked(db: Connection, identities: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the user of each of these identities, by issuer and subject, that is linked."""
    pair = tuple_(linked_identities.c.issuer, linked_identities.c.subject)
    query = select(linked_identities.c.issuer, linked_identities.c.subject, linked_identities.c.user_id)
    found = db.execute(query.where(pair.in_(sorted(set(identities)))))
    return {(row.issuer, row.subject): row.user_id for row in found}


_OF_USER = _IDENTITY.prepare(
    _IDENTITY.select()
    .where(linked_identities.c.user_id == bindparam("user_id"))
    .order_by(linked_identities.c.created_at)
)


def find_of_user(db: Connection, user_id: str) -> list[LinkedIdentity]:
    """Return the user's linked identities, oldest first."""
    return _OF_USER.all(db, {"user_id": user_id})


def lock_of_user(db: Connection, user_id: str) -> list[LinkedIdentity]:
    """Return and lock the user's linked identities. No other transaction can remove one until this one ends."""
    query = _IDENTITY.select().where(linked_identities.c.user_id == user_id)
    return _IDENTITY.all(db, query.order_by(linked_identities.c.id).with_for_update())


def touch(db: Connection, identity_id: str, *, now: datetime) -> None:
    db.execute(update(linked_identities).where(linked_identities.c.id == identity_id).values(last_used_at=now))


def require_proof(db: Connection, identity_id: str, *, after: datetime | None) -> None:
    """Note that the upstream has to ask its user again at the next sign-in. None: it did."""
    db.execute(update(linked_identities).where(linked_identities.c.id == identity_id).values(prove_after=after))


def find_by_email(db: Connection, issuer: str, email: str) -> list[LinkedIdentity]:
    """Return the identities at this issuer whose address was this one, in lower case, when they were linked."""
    one = (linked_identities.c.issuer == issuer, func.lower(linked_identities.c.email) == email.lower())
    return _IDENTITY.all(db, _IDENTITY.select().where(*one).limit(2))


def remove(db: Connection, user_id: str, identity_id: str) -> bool:
    """Remove a linked identity. Returns False if this user has none with that id."""
    one = (linked_identities.c.id == identity_id, linked_identities.c.user_id == user_id)
    return db.execute(delete(linked_identities).where(*one)).rowcount == 1


def remove_all(db: Connection, user_id: str, *, but: AbstractSet[str] = frozenset()) -> int:
    """Remove all linked identities of the user except those in `but`; return how many."""
    theirs = [linked_identities.c.user_id == user_id]
    if but:
        theirs.append(linked_identities.c.id.not_in(but))
    return db.execute(delete(linked_identities).where(*theirs)).rowcount
