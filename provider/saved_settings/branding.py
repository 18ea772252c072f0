"""The branding that operators saved in the console, for the settings that the environment does not set.

Each process keeps a copy, so that no page waits for the database. It is read again every few seconds, and stays in use
while the database is unavailable.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, insert, select, update
from sqlalchemy.exc import DBAPIError

from provider.branding.logo import Image, parse_logo
from provider.config.branding import Branding
from provider.config.problems import problems_of
from provider.config.settings import Settings
from provider.database.base import metadata, new_id
from provider.database.dialect import queue_for
from provider.database.engine import OUTAGES, Database
from provider.database.types import Identifier, UtcTime
from provider.observability.logging import log
from provider.runtime import greenlets

ONLY = 1
"""The key of the only row."""
REFRESH_AFTER = 1.0
"""How old the copy must be before a request may ask for a newer one, in seconds."""

branding = Table(
    "branding",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Identifier, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("brand", String(100)),
    Column("brand_logo", LargeBinary),
    Column("brand_logo_dark", LargeBinary),
    Column("brand_accent", String(7)),
    Column("brand_accent_dark", String(7)),
    Column("brand_paper", String(7)),
    Column("brand_paper_dark", String(7)),
    Column("support_email", String(254)),
)
LOGOS = ("brand_logo", "brand_logo_dark")


@dataclass(frozen=True)
class Saved:
    """The saved values by the name of their setting. `version` changes whenever they do; it is empty before the first
    change.
    """

    version: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def find(db: Connection) -> Saved:
    """Return what is saved, without values that this version of Signet does not accept."""
    row = db.execute(select(branding).where(branding.c.id == ONLY)).mappings().one_or_none()
    if row is None:
        return Saved()
    stored = {name: row[name] for name in Branding.own_fields() if row[name] is not None}
    return Saved(row["version"], _accepted(stored))


def find_version(db: Connection) -> str:
    """Return the version of what is saved; empty if nothing is."""
    return db.scalar(select(branding.c.version).where(branding.c.id == ONLY)) or ""


def lock(db: Connection) -> None:
    """Wait for other changes, and keep further ones waiting until this transaction ends."""
    queue_for(db, "branding")


def replace(db: Connection, values: Mapping[str, Any], *, now: datetime) -> Saved:
    """Save these values and no others; return them with their new version."""
    stored = {name: _stored(values.get(name)) for name in Branding.own_fields()}
    row = {"version": new_id(), "changed_at": now, **stored}
    if db.execute(update(branding).where(branding.c.id == ONLY).values(row)).rowcount == 0:
        db.execute(insert(branding), {"id": ONLY, **row})
    return Saved(row["version"], dict(values))


def _stored(value: Any) -> Any:
    return value.content if isinstance(value, Image) else value


def _accepted(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as settings. One that breaks a rule of this version is left out, and logged."""
    given: dict[str, Any] = dict(stored)
    try:
        for name in given.keys() & set(LOGOS):
            given[name] = parse_logo(given[name])
        parsed = Branding.model_validate(given)
    except ValidationError as error:
        wrong = {name for name, _ in problems_of(error)}
    except ValueError:
        wrong = set(LOGOS)
    else:
        return {name: getattr(parsed, name) for name in given}
    log.error("branding.value_ignored", settings=sorted(wrong & given.keys()))
    return _accepted({name: value for name, value in stored.items() if name not in wrong})


class SavedBranding:
    """This process's copy of the saved branding."""

    def __init__(self) -> None:
        self._saved = Saved()
        self._read_at: float | None = None
        self._applied: tuple[Settings, Saved, Settings] | None = None
        self._lock = greenlets.Lock()

    def applied_to(self, settings: Settings) -> Settings:
        """Return the settings with the saved values where the environment sets none. The result is kept, so this costs
        nothing.
        """
        saved, applied = self._saved, self._applied
        if not saved.values:
            return settings
        if applied is None or applied[0] is not settings or applied[1] is not saved:
            free = {name: value for name, value in saved.values.items() if name not in settings.model_fields_set}
            self._applied = applied = (settings, saved, settings.model_copy(update=free))
        return applied[2]

    def take(self, saved: Saved) -> None:
        """Use these values from now on, because they were just saved or read."""
        self._saved = saved

    def refresh(self, database: Database) -> None:
        """Read what is saved, if it has changed. Without the database, or before it is migrated, the copy stays."""
        with self._lock:
            self._read_at = time.monotonic()
            try:
                with database.connect() as db:
                    if find_version(db) != self._saved.version:
                        self.take(find(db))
            except (*OUTAGES, DBAPIError) as error:
                log.debug("branding.not_read", error=type(error).__name__)

    def refresh_if_old(self, database: Database) -> None:
        """Refresh the copy, unless that was done within the last second. For requests, of which there can be many."""
        if self._read_at is None or time.monotonic() - self._read_at >= REFRESH_AFTER:
            self.refresh(database)
