"""The shared MetaData with its constraint names, and identifiers."""

import itertools
import os
import time
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_numbers = itertools.count()

NOBODY = str(uuid.UUID(int=0))
"""The nil UUID (RFC 9562 section 5.9), which no row has."""


def parse_id(text: str) -> str | None:
    """Return an identifier from a request in its stored form, or None if it is not a UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def is_id(text: str) -> bool:
    """Return whether the text can be an identifier as it is: a UUID in lower case, with hyphens, and not NOBODY."""
    return text != NOBODY and parse_id(text) == text


def new_id() -> str:
    """Return a new UUIDv7 (RFC 9562 section 5.7), precise to a fraction of a microsecond (section 6.2, method 3).

    Rows that are created in succession are next to each other in the index. Events with the same time are read in the
    order they were recorded.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest << 12) // 1_000_000 << 64 | 0b10 << 62
    return str(uuid.UUID(int=value | int.from_bytes(os.urandom(8)) & (1 << 62) - 1))


def new_ordered_id(at: datetime) -> str:
    """Return a new UUIDv7 of this time, greater than all those of this process for the same time or earlier ones (RFC
    9562 section 6.2, methods 1 and 3). With the time of the installation, nodes whose clocks differ agree on the order.
    """
    milliseconds, rest = divmod((at - _EPOCH) // timedelta(microseconds=1), 1000)
    number, chance = next(_numbers) & (1 << 24) - 1, int.from_bytes(os.urandom(5)) & (1 << 38) - 1
    value = milliseconds << 80 | 0x7 << 76 | (rest << 12) // 1000 << 64 | 0b10 << 62
    return str(uuid.UUID(int=value | number << 38 | chance))
