"""The one MetaData, its constraint names, and identifiers."""

import os
import time
import uuid

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


def parse_id(text: str) -> str | None:
    """An identifier that somebody sent; None when it cannot be one."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def new_id() -> str:
    """A UUIDv7 (RFC 9562 section 5.7), to a fraction of a microsecond (section 6.2, method 3): rows made one after the
    other sit one after the other in the index, and events of one moment are read in the order they were told.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest << 12) // 1_000_000 << 64 | 0b10 << 62
    return str(uuid.UUID(int=value | int.from_bytes(os.urandom(8)) & (1 << 62) - 1))
