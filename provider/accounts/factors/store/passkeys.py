"""The table of passkeys, with their public keys."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.owners import Owners
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

LONGEST_NAME = 60

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("credential_id", String(1364), nullable=False, unique=True),  # base64url of at most 1,023 bytes
    Column("public_key", LargeBinary, nullable=False),  # a COSE_Key
    Column("sign_count", BigInteger, nullable=False),
    Column("aaguid", String(36), nullable=False),
    Column("transports", String(100), nullable=False),  # separated by spaces, as the browser sent them
    Column("is_synced", Boolean, nullable=False),  # the backup eligibility, which never changes
    Column("is_backed_up", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
    Column("is_eligibility_unknown", Boolean),  # it moved here from a system that did not store the backup eligibility
)


@dataclass(frozen=True)
class Passkey:
    """A passkey, or a security key, of a user."""

    id: str
    user_id: str
    credential_id: str
    """In base64url without padding, as browsers write it in JSON."""
    public_key: bytes
    sign_count: int
    aaguid: str
    transports: str
    is_synced: bool
    """Whether it can be on several devices (the backup eligibility flag of WebAuthn Level 3 section 6.1)."""
    is_backed_up: bool
    name: str
    created_at: datetime
    last_used_at: datetime | None
    is_eligibility_unknown: bool | None = None
    """Whether `is_synced` says nothing yet: the first use finds out."""


_PASSKEY = rows_of(Passkey, passkeys)
_OF_USER = _PASSKEY.prepare(
    _PASSKEY.select().where(passkeys.c.user_id == bindparam("user_id")).order_by(passkeys.c.created_at, passkeys.c.id)
)
_OWNERS = Owners(passkeys.c.user_id)


def add(db: Connection, passkey: Passkey) -> bool:
    """Store a passkey. Returns False if its credential ID is taken (WebAuthn Level 3 section 7.1)."""
    added = upsert(db, passkeys).values(values_of(passkey)).on_conflict_do_nothing(index_elements=["credential_id"])
    return db.scalar(added.returning(passkeys.c.id)) is not None


def find(db: Connection, credential_id: str) -> Passkey | None:
    return _PASSKEY.one(db, _PASSKEY.select().where(passkeys.c.credential_id == credential_id))


def find_taken(db: Connection, credential_ids: Collection[str]) -> frozenset[str]:
    """Return which of these credential IDs users have already."""
    query = select(passkeys.c.credential_id).where(passkeys.c.credential_id.in_(credential_ids))
    return frozenset(db.scalars(query))


def find_of_user(db: Connection, user_id: str) -> list[Passkey]:
    """Return the passkeys of this user, the oldest first."""
    return _OF_USER.all(db, {"user_id": user_id})


def lock_of_user(db: Connection, user_id: str) -> list[Passkey]:
    """Return the passkeys of this user. Until the transaction ends, no other one changes or removes them."""
    return _PASSKEY.all(db, _PASSKEY.select().where(passkeys.c.user_id == user_id).with_for_update())


def find_owners(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return which of these users have a passkey."""
    return _OWNERS.among(db, user_ids)


def use(
    db: Connection, passkey: Passkey, *, sign_count: int, is_synced: bool, is_backed_up: bool, now: datetime
) -> bool:
    """Note a use of the passkey. Returns False if it was used or removed since it was read."""
    unchanged = (passkeys.c.id == passkey.id, passkeys.c.sign_count == passkey.sign_count)
    values = {
        "sign_count": sign_count,
        "is_synced": is_synced,
        "is_eligibility_unknown": None,
        "is_backed_up": is_backed_up,
        "last_used_at": now,
    }
    return db.execute(update(passkeys).where(*unchanged).values(values)).rowcount == 1


def rename(db: Connection, user_id: str, passkey_id: str, name: str) -> bool:
    own = (passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
    return db.execute(update(passkeys).where(*own).values(name=name)).rowcount == 1


def remove(db: Connection, user_id: str, passkey_id: str) -> bool:
    own = (passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
    return db.execute(delete(passkeys).where(*own)).rowcount == 1
