"""The upstream providers that operators saved in the database, next to those in the file (SIGNET_UPSTREAMS).

Each process keeps a copy, so that no page waits for the database. It is read again every few seconds, and stays in use
while the database is unavailable. `federation` says what the settings mean.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from provider.database.base import metadata
from provider.database.engine import OUTAGES, Database
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime
from provider.observability.logging import log
from provider.runtime import greenlets

KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""The format of an upstream's key."""

upstreams = Table(
    "upstreams",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("key", String(32), nullable=False),  # in URLs and events
    Column("position", Integer, nullable=False),
    Column("settings", JSON, nullable=False),  # as the operator gave them, without the secret
    Column("sealed_secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Index("ix_upstreams_key", "key", unique=True),
)


@dataclass(frozen=True)
class SavedUpstream:
    id: str
    key: str
    position: int
    """Its place among the buttons; of two with the same, the key decides."""
    settings: dict[str, Any]
    sealed_secret: str
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None


_ROW = rows_of(SavedUpstream, upstreams)
_BY_KEY = _ROW.prepare(_ROW.select().where(upstreams.c.key == bindparam("key")))


def add(db: Connection, row: SavedUpstream) -> None:
    db.execute(insert(upstreams), values_of(row))


def find(db: Connection, upstream_id: str) -> SavedUpstream | None:
    return _ROW.one(db, _ROW.select().where(upstreams.c.id == upstream_id))


def find_by_key(db: Connection, key: str) -> SavedUpstream | None:
    return _BY_KEY.one(db, {"key": key})


def find_all(db: Connection) -> list[SavedUpstream]:
    """Return every saved upstream in the order of the buttons."""
    return _ROW.all(db, _ROW.select().order_by(upstreams.c.position, upstreams.c.key))


def lock(db: Connection, upstream_id: str) -> bool:
    """Lock the row until this transaction ends. Returns False if there is no such upstream."""
    return db.scalar(select(upstreams.c.id).where(upstreams.c.id == upstream_id).with_for_update()) is not None


def replace(db: Connection, row: SavedUpstream) -> bool:
    """Store the settings, secret and position of an upstream. Returns False if there is none."""
    names = ("position", "settings", "sealed_secret", "changed_at")
    values = {name: getattr(row, name) for name in names}
    return db.execute(update(upstreams).where(upstreams.c.id == row.id).values(values)).rowcount == 1


def set_disabled(db: Connection, upstream_id: str, at: datetime | None) -> bool:
    """Disable the upstream since `at`, or enable it with None. Returns False if nothing changed."""
    other = upstreams.c.disabled_at.is_not(None) if at is None else upstreams.c.disabled_at.is_(None)
    return (
        db.execute(update(upstreams).where(upstreams.c.id == upstream_id, other).values(disabled_at=at)).rowcount == 1
    )


def remove(db: Connection, upstream_id: str) -> bool:
    return db.execute(delete(upstreams).where(upstreams.c.id == upstream_id)).rowcount == 1


@dataclass(frozen=True)
class HomeRealm:
    """The upstream that the users of a domain belong to."""

    key: str
    name: str
    is_required: bool
    """Whether they may sign in only there."""
    is_directory: bool = False
    """Whether it checks passwords that are typed here."""


class PasswordDirectory(Protocol):
    """A directory that checks the passwords of its users (`federation.directories`). `work` is a unit of work."""

    @property
    def key(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def is_required(self) -> bool:
        """Whether the users of its domains may sign in only with it."""
        ...

    def check(self, work: Any, password: str, *, email: str | None = None, subject: str | None = None) -> Any:
        """Return the user with this address or this ID, if that is the password, else None.

        Raises Unavailable, or `accounts.passwords.directories.DirectoryDenied` after the right password.
        """
        ...

    def find_user(self, work: Any, found: Any) -> Any:
        """Return the account of a user that `check` returned, linked or created now, or None."""
        ...

    def change_password(self, work: Any, subject: str, *, current: str, password: str) -> None:
        """Change a password. Raises Unavailable or `accounts.passwords.password_reset.InvalidPassword`."""
        ...


class SavedUpstreams:
    """This process's copy of the saved upstreams. `rows` is another object whenever they changed."""

    def __init__(self) -> None:
        self.rows: tuple[SavedUpstream, ...] = ()
        self.home_realm_of: Callable[[str], HomeRealm | None] = lambda _domain: None
        """Returns the upstream of a domain. Set by `federation`, which knows the upstreams of the file too."""
        self.key_of_issuer: Callable[[str], str | None] = lambda _issuer: None
        """Returns the key of the upstream with this issuer. Set by `federation` too."""
        self.directory_of_issuer: Callable[[str], PasswordDirectory | None] = lambda _issuer: None
        """Returns the directory whose users are linked with this issuer."""
        self.directory_of_domain: Callable[[str], PasswordDirectory | None] = lambda _domain: None
        """Returns the directory that a domain belongs to."""
        self.has_directories: Callable[[], bool] = lambda: False
        self._lock = greenlets.Lock()

    def refresh(self, database: Database) -> None:
        """Read what is saved. Without the database, or before it is migrated, the copy stays."""
        with self._lock:
            try:
                with database.connect() as db:
                    found = tuple(find_all(db))
            except (*OUTAGES, DBAPIError) as error:
                log.debug("upstreams.not_read", error=type(error).__name__)
                return
            if found != self.rows:
                self.rows = found
