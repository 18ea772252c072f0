"""The schema of the test kit's database: what the migrations create in SQLite, so that a start runs none."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from provider.config.settings import Settings
from provider.database.migrations import migrate
from tests.docs.generate.markdown import DOCS

SCHEMA = DOCS.parent / "clients/pytest_signet/signet_testing/schema.sql"


def kit_schema() -> tuple[Path, str]:
    """Return the file, and its text with the migrations that the code has now."""
    with TemporaryDirectory() as folder:
        migrate(Settings(database_url=f"sqlite:///{folder}/signet.db"))
        return SCHEMA, schema_of(Path(folder) / "signet.db")


def schema_of(database: Path) -> str:
    """Return the statements that create the tables, indexes and triggers of this database again."""
    db = sqlite3.connect(database)
    found = db.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    statements = sorted(_create(found), key=lambda each: ("TABLE", "INDEX", "TRIGGER").index(each[0]))
    db.close()
    return "\n".join(f"{sql};" for _, sql in statements) + "\n"


def _create(found: Iterator[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    for kind, name, sql in found:
        # Virtual tables create those that they store their rows in.
        if "_fts_" not in name:
            yield kind.upper(), " ".join(sql.split())
