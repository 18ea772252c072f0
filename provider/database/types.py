"""Column types: UTC moments, digests, identifiers, and what things are searched by."""

import unicodedata
from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, LargeBinary, String, Uuid
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, on every database. A naive value is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored")
        return value if dialect.name == "postgresql" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or (value.tzinfo is UTC):
            return value
        return value.astimezone(UTC) if value.tzinfo is not None else value.replace(tzinfo=UTC)


class Digest(LargeBinary):
    """A SHA-256 digest, 32 bytes: how every value that a browser or a client holds is stored."""


Identifier = Uuid(as_uuid=False)
"""A UUID, as text in Python."""

LONGEST_KEY = 254
# Compared character by character, whatever the language of the database: what begins alike is a range.
SearchKey = String(LONGEST_KEY).with_variant(String(LONGEST_KEY, collation="C"), "postgresql")
"""What a thing is searched by, as `search_key` makes it; what begins with `key` is from `key` to `key + BEYOND`."""
BEYOND = "\U0010ffff"


def search_key(text: str) -> str:
    """Text as it is searched: NFC, no difference of case, no runs of spaces; no NUL, for PostgreSQL keeps none."""
    return unicodedata.normalize("NFC", " ".join(text.replace("\x00", "").casefold().split()))[:LONGEST_KEY]
