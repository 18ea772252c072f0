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
    """A UUIDv7 (RFC 9562 section 5.7): rows made one after the other sit one after the other in the index."""
    value = int(time.time() * 1000) << 80 | 0x7 << 76 | 0b10 << 62
    random = int.from_bytes(os.urandom(10))
    value |= (random >> 68) << 64 | random & (1 << 62) - 1
    return str(uuid.UUID(int=value))
