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
"""What all migrations create, written by `make references` (decision 399)."""
STATEMENTS = 512
"""How many statements a connection keeps: more than three for each table."""


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


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The rows of every table at one moment."""

    rows: dict[str, list[tuple[Any, ...]]]


class Storage:
    """A connection of its own to the database, beside those of Signet."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=STATEMENTS
        )
        self._db.execute("PRAGMA synchronous=OFF")
        found = self._db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        # The tables of a search index change with those that it is of.
        tables = [str(name) for (name,) in found if "_fts" not in name and not name.startswith("sqlite_")]
        has_rows = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables]
        self._find_filled = " UNION ALL ".join(has_rows)  # of at most 500 tables
        self._known: tuple[int, Snapshot] | None = None
        """What the database contains, and its version then."""

    def save(self) -> Snapshot:
        """Return what the database contains now."""
        version = self._version()
        if self._known is None or self._known[0] != version:
            self._known = version, Snapshot({table: self._rows(table) for table in self._filled()})
        return self._known[1]

    def restore(self, snapshot: Snapshot) -> bool:
        """Put back what the database contained. Returns False if nothing has changed since. Foreign keys are not
        checked meanwhile: this connection never does.
        """
        if self._known is not None and self._known == (self._version(), snapshot):
            return False
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for table in {*self._filled(), *snapshot.rows}:
                before = snapshot.rows.get(table, [])
                if self._rows(table) != before:
                    self._replace(table, before)
            known = self._version(), snapshot  # while no other connection can write
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._known = known
        return True

    def _version(self) -> int:
        """Return a number that changes when another connection has changed the database."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _filled(self) -> list[str]:
        return [table for (table,) in self._db.execute(self._find_filled)]

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        return self._db.execute(f'SELECT * FROM "{table}"').fetchall()

    def _replace(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        self._db.execute(f'DELETE FROM "{table}"')
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._db.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)

    def close(self) -> None:
        self._db.close()


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        yield db
    finally:
        db.close()
