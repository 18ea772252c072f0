"""Device codes by digest, with their user codes (RFC 8628)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, Table

from provider.database.base import metadata
from provider.database.types import Digest
from provider.oauth.grants.store.polled_requests import PolledRequest, PolledTable, polled_columns, polled_indexes

device_codes = Table(
    "device_codes",
    metadata,
    *polled_columns(),
    Column("user_code", Digest, nullable=False, unique=True),  # a keyed one: eight letters are found by trying them all
    Column("authorization_details", JSON(none_as_null=True)),  # that the device asks for (RFC 9396 section 3)
    *polled_indexes("device_codes"),
)


@dataclass(frozen=True)
class DeviceCode(PolledRequest):
    """A device code, with what the device requested and the user's answer."""

    user_code: bytes
    authorization_details: list[dict[str, Any]] | None = None


CODES = PolledTable(device_codes, DeviceCode)
find, purge = CODES.find, CODES.purge


def find_waiting(db: Connection, user_codes: Iterable[bytes], *, now: datetime) -> DeviceCode | None:
    """Return the unanswered device code with this user code. `user_codes` are its digests under every secret key."""
    query = CODES.rows.select().where(
        device_codes.c.user_code.in_(list(user_codes)),
        device_codes.c.expires_at > now,
        device_codes.c.answered_at.is_(None),
    )
    return CODES.rows.one(db, query)
