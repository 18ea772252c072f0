"""Device codes by digest, with their user codes (RFC 8628).

A row holds what was requested, how often the device may poll, and the user's answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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

from provider.accounts.store.email_addresses import email_addresses
from provider.database.base import metadata
from provider.database.dialect import is_postgresql, upsert
from provider.database.rows import joined, rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime
from provider.oauth.tokens.store import grants, refresh_tokens
from provider.oauth.tokens.store.grants import GRANT, PERSON, STATE, Grant, GrantState, Person, join_state
from provider.oauth.tokens.store.refresh_tokens import RefreshToken

device_codes = Table(
    "device_codes",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("user_code", Digest, nullable=False, unique=True),  # a keyed one: eight letters are found by trying them all
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("scope", String(2000), nullable=False),
    Column("network", String(64), nullable=False),  # where the device asked from
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("poll_interval", Integer, nullable=False),  # seconds; grows when the device asks too often
    Column("next_poll_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Column("grant_id", Identifier, ForeignKey("grants.id", ondelete="CASCADE")),  # answered without one: denied
    Column("spent_at", UtcTime),
    Index("ix_device_codes_client_id", "client_id"),
    Index("ix_device_codes_expires_at", "expires_at"),
    Index("ix_device_codes_grant_id", "grant_id"),
)


@dataclass(frozen=True)
class DeviceCode:
    digest: bytes
    user_code: bytes
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


_CODE = rows_of(DeviceCode, device_codes)
_ALLOWED = joined(GRANT, STATE, PERSON)
_FIND_ALLOWED = _ALLOWED.prepare(
    _ALLOWED.select()
    .select_from(join_state(grants.grants).outerjoin(email_addresses, email_addresses.c.id == grants.primary_address))
    .where(grants.grants.c.id == bindparam("grant_id"))
)
_SPEND = (
    update(device_codes)
    .where(device_codes.c.digest == bindparam("code_digest"), device_codes.c.spent_at.is_(None))
    .values(spent_at=bindparam("now"))
)
_REDEEM_AT_ONCE = refresh_tokens.insert_after(_SPEND.returning(device_codes.c.grant_id))


def add(db: Connection, code: DeviceCode) -> bool:
    """Store a device code. Returns False if another one has its user code."""
    added = upsert(db, device_codes).values(values_of(code)).on_conflict_do_nothing()
    return db.scalar(added.returning(device_codes.c.digest)) is not None


def find(db: Connection, digest: bytes) -> DeviceCode | None:
    return _CODE.one(db, _CODE.select().where(device_codes.c.digest == digest))


def find_waiting(db: Connection, user_codes: Iterable[bytes], *, now: datetime) -> DeviceCode | None:
    """Return the unanswered device code with this user code. `user_codes` are its digests under every secret key."""
    query = _CODE.select().where(
        device_codes.c.user_code.in_(list(user_codes)),
        device_codes.c.expires_at > now,
        device_codes.c.answered_at.is_(None),
    )
    return _CODE.one(db, query)


def find_allowed(db: Connection, grant_id: str) -> tuple[Grant, GrantState, Person] | None:
    """Return the grant that the user approved. It is deleted with its code: returns None if both were just deleted."""
    return _FIND_ALLOWED.one(db, {"grant_id": grant_id})


def answer(db: Connection, digest: bytes, *, now: datetime) -> bool:
    """Mark the request as answered. Returns False if it was answered before or has expired."""
    waiting = (device_codes.c.digest == digest, device_codes.c.answered_at.is_(None), device_codes.c.expires_at > now)
    return db.execute(update(device_codes).where(*waiting).values(answered_at=now)).rowcount == 1


def attach(db: Connection, digest: bytes, grant: Grant) -> None:
    """Store the grant of an approved request."""
    grants.add(db, grant)
    db.execute(update(device_codes).where(device_codes.c.digest == digest).values(grant_id=grant.id))


def poll(db: Connection, code: DeviceCode, *, next_poll_at: datetime, now: datetime) -> bool:
    """Note that the device polled. Returns False if it was too early."""
    in_time = (device_codes.c.digest == code.digest, device_codes.c.next_poll_at <= now)
    return db.execute(update(device_codes).where(*in_time).values(next_poll_at=next_poll_at)).rowcount == 1


def slow_down(db: Connection, code: DeviceCode, *, poll_interval: int, next_poll_at: datetime) -> None:
    """Make the device wait longer between polls from now on."""
    slower = update(device_codes).where(device_codes.c.digest == code.digest)
    db.execute(slower.values(poll_interval=poll_interval, next_poll_at=next_poll_at))


def redeem(db: Connection, digest: bytes, *, refresh_token: RefreshToken | None, now: datetime) -> bool:
    """Spend the code and add the first refresh token of its family; False when the code was spent before."""
    if is_postgresql(db) and refresh_token is not None:
        values = {"code_digest": digest, "now": now, **refresh_tokens.bind_new(refresh_token)}
        return _REDEEM_AT_ONCE.change(db, values) == 1
    if db.execute(_SPEND, {"code_digest": digest, "now": now}).rowcount != 1:
        return False
    if refresh_token is not None:
        refresh_tokens.add(db, refresh_token)
    return True


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(device_codes.c.digest).where(device_codes.c.expires_at < before).limit(limit)
    return db.execute(delete(device_codes).where(device_codes.c.digest.in_(old))).rowcount
