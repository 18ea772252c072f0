"""Column types: UTC times, digests, identifiers and search keys."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary, String, Uuid
from sqlalchemy.types import TypeDecorator

from provider.languages.free_text import without_invisible


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, on every database. A naive value is a bug and is rejected."""

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
    """A SHA-256 digest, 32 bytes: the stored form of every value that a browser or a client holds."""


class _UuidText(Uuid[str]):
    """A UUID as text. Where the database stores 32 digits, the hyphens are added without making a `uuid.UUID` first."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return None if dialect.supports_native_uuid else _with_hyphens


def _with_hyphens(digits: str | None) -> str | None:
    if digits is None:
        return None
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


Identifier = _UuidText(as_uuid=False)
"""A UUID, as text in Python."""

LONGEST_KEY = 254
# Compared character by character, whatever the language of the database: what begins alike is a range.
SearchKey = String(LONGEST_KEY).with_variant(String(LONGEST_KEY, collation="C"), "postgresql")
"""A search key, as returned by `search_key`. Texts that begin with `key` are between `key` and `key + BEYOND`."""
BEYOND = "\U0010ffff"


def search_key(text: str) -> str:
    """Return the search key of a text: NFC, case-folded, single spaces, without characters that show nothing.

    NUL is left out too, which PostgreSQL cannot store.
    """
    shown = without_invisible(text.replace("\x00", ""))
    return unicodedata.normalize("NFC", " ".join(shown.casefold().split()))[:LONGEST_KEY]


LONGEST_NAME = 200
Name = String(LONGEST_NAME).with_variant(String(LONGEST_NAME, collation="C"), "postgresql")
"""The name of a role or a group. In one order on every database, so that a page of a list ends where the next begins.
"""
