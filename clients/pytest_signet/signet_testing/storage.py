"""The database of a test's Signet: created without migrating, and put back after each test.

It is a file in memory where the system has such a folder. Journal and schema are those of a real installation.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provider.database.migrations import HEAD

IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder in memory, in which only folders of mode 0700 are created

SCHEMA = Path(__file__).with_name("schema.sql")
"""What all migrations create, written by `make references`."""


def folder_in_memory() -> str | None:
    """Return the folder in which temporary files stay in memory, or None if the system has none."""
    return str(IN_MEMORY) if IN_MEMORY.is_dir() else None


def create_schema(path: Path) -> None:
    """Create all tables, indexes and triggers as the migrations do."""
    schema = SCHEMA.read_text("utf-8")
    with _connected(path) as db:
        db.execute("PRAGMA page_size=1024")
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(f"BEGIN; {schema} INSERT INTO alembic_version VALUES ('{HEAD}'); COMMIT")


@dataclass(frozen=True)
class Snapshot:
    """The rows of every table at one moment."""

    rows: dict[str, list[tuple[Any, ...]]]


class Storage:
    """A connection of its own to the database, beside those of Signet."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("PRAGMA synchronous=OFF")
        found = self._db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        # The tables of a search index change with those that it is of.
        self._tables = [str(name) for (name,) in found if "_fts" not in name and not name.startswith("sqlite_")]

    def save(self) -> Snapshot:
        """Return what the database contains now."""
        rows = {table: self._db.execute(f'SELECT * FROM "{table}"').fetchall() for table in self._tables}
        return Snapshot({table: found for table, found in rows.items() if found})

    def restore(self, snapshot: Snapshot) -> None:
        """Put back what the database contained. Foreign keys are not checked meanwhile: this connection never does."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for table in self._tables:
                before = snapshot.rows.get(table, [])
                if self._db.execute(f'SELECT * FROM "{table}"').fetchall() == before:
                    continue
                self._db.execute(f'DELETE FROM "{table}"')
                if before:
                    marks = ", ".join("?" * len(before[0]))
                    self._db.executemany(f'INSERT INTO "{table}" VALUES ({marks})', before)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        yield db
    finally:
        db.close()
