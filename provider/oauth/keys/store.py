"""Signing key pairs, the private part encrypted, and their state in the rotation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Connection, Index, String, Table, Text, insert, update

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of, values_of
from provider.database.types import UtcTime


class State(StrEnum):
    UPCOMING = "upcoming"  # published, signs nothing yet: relying apps may cache the key set
    CURRENT = "current"
    RETIRED = "retired"  # signs nothing new, verifies until `expires_at`
    REVOKED = "revoked"  # verifies nothing; taken out of the key set


signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),  # the RFC 7638 thumbprint
    Column("alg", String(16), nullable=False),  # the key pair's name; it may sign with another algorithm too
    Column("public", JSON, nullable=False),
    Column("private", Text),  # encrypted; gone when revoked, or when the last token has expired
    Column("state", String(10), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("signs_from", UtcTime),  # when it became current
    Column("expires_at", UtcTime),  # of a retired key: until when it is published and verifies
    Column("tokens_expire_at", UtcTime),  # of a retired key: when its last token has expired. Null: as `expires_at`
    Column("delayed_at", UtcTime),  # when the next step of the rotation first waited, because the key is still used
    Column("removed_at", UtcTime),  # of a retired key: when its removal from the key set was noted
)


def declare_index() -> None:
    """Add the partial index to the table, for migrations. Its options load dialects, for which starts would wait."""
    upcoming = signing_keys.c.state == State.UPCOMING
    Index("uq_signing_keys_upcoming", signing_keys.c.alg, unique=True, sqlite_where=upcoming, postgresql_where=upcoming)


@dataclass(frozen=True)
class SigningKeyRow:
    kid: str
    alg: str
    public: dict[str, Any]
    private: str | None
    state: str
    created_at: datetime
    signs_from: datetime | None
    expires_at: datetime | None
    tokens_expire_at: datetime | None = None
    delayed_at: datetime | None = None
    removed_at: datetime | None = None


_KEY = rows_of(SigningKeyRow, signing_keys)
_ALL = _KEY.prepare(_KEY.select().order_by(signing_keys.c.created_at, signing_keys.c.kid))


def add(db: Connection, key: SigningKeyRow) -> None:
    db.execute(insert(signing_keys), values_of(key))


def find_all(db: Connection) -> list[SigningKeyRow]:
    """Return all keys in the order of their creation."""
    return _ALL.all(db, {})


def publish(db: Connection, key: SigningKeyRow) -> bool:
    """Add an upcoming key. Returns False if there is one for this `alg`."""
    added = upsert(db, signing_keys).values(values_of(key)).on_conflict_do_nothing().returning(signing_keys.c.kid)
    return db.scalar(added) is not None


def promote(db: Connection, kid: str, *, now: datetime) -> bool:
    """Make an upcoming key current. Returns False if it is no longer upcoming."""
    there = (signing_keys.c.kid == kid, signing_keys.c.state == State.UPCOMING)
    current = update(signing_keys).where(*there).values(state=State.CURRENT, signs_from=now, delayed_at=None)
    return db.execute(current).rowcount == 1


def retire(db: Connection, alg: str, *, but: str, expires_at: datetime) -> None:
    """Retire every other current key of this `alg`."""
    others = (signing_keys.c.alg == alg, signing_keys.c.state == State.CURRENT, signing_keys.c.kid != but)
    retired = {"state": State.RETIRED, "expires_at": expires_at, "tokens_expire_at": expires_at}
    db.execute(update(signing_keys).where(*others).values(retired))


def move_removal(db: Connection, key: SigningKeyRow, *, to: datetime) -> bool:
    """Let a retired key be published until another time. Returns False if it changed meanwhile.

    What an earlier release retired has one time: it becomes that when the last token has expired.
    """
    seen = (*_still_published(key.kid), signing_keys.c.expires_at == key.expires_at)
    changed = {"expires_at": to, "tokens_expire_at": key.tokens_expire_at or key.expires_at}
    return db.execute(update(signing_keys).where(*seen).values(changed)).rowcount == 1


def note_removed(db: Connection, kid: str, *, now: datetime) -> bool:
    """Note that a retired key left the key set. Returns False if that was noted before."""
    return db.execute(update(signing_keys).where(*_still_published(kid)).values(removed_at=now)).rowcount == 1


def note_delay(db: Connection, kid: str, *, now: datetime) -> bool:
    """Note that the next step of a key waits. Returns False if that was noted before."""
    first = (
        signing_keys.c.kid == kid,
        signing_keys.c.state.in_([State.UPCOMING, State.RETIRED]),
        signing_keys.c.delayed_at.is_(None),
    )
    return db.execute(update(signing_keys).where(*first).values(delayed_at=now)).rowcount == 1


def _still_published(kid: str) -> tuple[ColumnElement[bool], ...]:
    columns = signing_keys.c
    return columns.kid == kid, columns.state == State.RETIRED, columns.removed_at.is_(None)


def erase_private(db: Connection, kid: str) -> bool:
    """Erase the private part of a retired key. Returns False if it was erased before."""
    kept = (signing_keys.c.kid == kid, signing_keys.c.state == State.RETIRED, signing_keys.c.private.is_not(None))
    return db.execute(update(signing_keys).where(*kept).values(private=None)).rowcount == 1


def revoke(db: Connection, kid: str) -> bool:
    unrevoked = (signing_keys.c.kid == kid, signing_keys.c.state != State.REVOKED)
    return db.execute(update(signing_keys).where(*unrevoked).values(state=State.REVOKED, private=None)).rowcount == 1
