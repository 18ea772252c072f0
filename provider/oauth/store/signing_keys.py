"""Signing key pairs, the private part encrypted, and their place in the rotation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Connection, String, Table, Text, insert, select, update

from provider.database.base import metadata
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
    Column("alg", String(16), nullable=False),
    Column("public", JSON, nullable=False),
    Column("private", Text),  # encrypted; gone when revoked
    Column("state", String(10), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),  # of a retired key: when its last token has expired
)


@dataclass(frozen=True)
class SigningKeyRow:
    kid: str
    alg: str
    public: dict[str, Any]
    private: str | None
    state: str
    created_at: datetime
    expires_at: datetime | None


def add(db: Connection, key: SigningKeyRow) -> None:
    db.execute(insert(signing_keys), key.__dict__)


def find_all(db: Connection) -> list[SigningKeyRow]:
    """In order of creation."""
    query = select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.kid)
    return [SigningKeyRow(*row) for row in db.execute(query)]


def move(db: Connection, kid: str, *, frm: State, to: State, expires_at: datetime | None = None) -> bool:
    """Move a key on in the rotation. False when it is no longer where it was."""
    there = (signing_keys.c.kid == kid, signing_keys.c.state == frm)
    return db.execute(update(signing_keys).where(*there).values(state=to, expires_at=expires_at)).rowcount == 1


def revoke(db: Connection, kid: str) -> bool:
    standing = (signing_keys.c.kid == kid, signing_keys.c.state != State.REVOKED)
    return db.execute(update(signing_keys).where(*standing).values(state=State.REVOKED, private=None)).rowcount == 1
