"""What a migration does while the previous release runs (docs/development/migrations.md), read off its statements."""

import re

import pytest

from provider.database.migrations import migrate
from tests.support.installation import settings_for

FORBIDDEN = {
    "drops a table": r"DROP TABLE (\w+)",
    "drops a column": r"ALTER TABLE (\w+) DROP COLUMN",
    "renames": r"ALTER TABLE (\w+) RENAME",
    "changes a column": r"ALTER TABLE (\w+) ALTER COLUMN",
    "adds a column that must be filled in": r"ALTER TABLE (\w+) ADD COLUMN (?!.*\bDEFAULT\b).*NOT NULL",
    "adds a constraint to rows that exist": r"ALTER TABLE (\w+) ADD CONSTRAINT (?!.*NOT VALID)",
    "keeps writers out while it makes an index": r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\w+ ON (\w+)",
    "changes rows that exist": r"(?:UPDATE|DELETE FROM) (?!alembic_version)(\w+)",
}
"""What it does -> how that reads; the group is the table. None of it matters for a table that it makes itself."""

BEFORE_THE_FIRST_RELEASE = "no earlier release runs beside it, and no installation is large yet"
FEW_ROWS = "a handful of rows"
A_PARTITION = "a table that became a partition; the index of its key was made concurrently"
ALLOWED = {
    ("0005", "users"): BEFORE_THE_FIRST_RELEASE,
    ("0007", "users"): BEFORE_THE_FIRST_RELEASE,
    ("0008", "signing_keys"): FEW_ROWS,
    ("0011", "client_secrets"): BEFORE_THE_FIRST_RELEASE,
    ("0014", "clients"): BEFORE_THE_FIRST_RELEASE,
    ("0017", "clients"): BEFORE_THE_FIRST_RELEASE,
    ("0018", "audit_events"): BEFORE_THE_FIRST_RELEASE,
    **{("0039", f"{table}_earlier"): A_PARTITION for table in ("audit_events", "refusals", "outbox")},
}
"""(revision, table) -> why it may all the same."""


@pytest.fixture(scope="module")
def statements() -> dict[str, list[str]]:
    """Revision -> what it runs."""
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout", type("Out", (), {"write": written.append, "flush": lambda: None}))
        migrate(settings_for("postgresql://nobody@/nowhere"), sql=True)
    found = {}
    for step in re.split(r"-- Running upgrade ", "".join(written))[1:]:
        head, _, body = step.partition("\n")
        found[head.partition("-> ")[2].strip()] = [" ".join(one.split()) for one in body.split(";")]
    return found


def forbidden(statements: list[str]) -> set[tuple[str, str]]:
    """(what, table)."""
    made = {name for one in statements for name in re.findall(r"CREATE TABLE (\w+)", one)}
    return {
        (what, match[1])
        for one in statements
        for what, pattern in FORBIDDEN.items()
        if (match := re.search(pattern, one)) and match[1] not in made
    }


def test_no_migration_breaks_the_release_before_it(statements: dict[str, list[str]]) -> None:
    assert len(statements) > 15
    for revision, its in statements.items():
        unexcused = {(what, table) for what, table in forbidden(its) if (revision, table) not in ALLOWED}
        assert not unexcused, f"{revision}: {unexcused}; see docs/development/migrations.md"
    used = {(revision, table) for revision, its in statements.items() for _, table in forbidden(its)}
    assert used == set(ALLOWED), "an excuse that nobody needs"


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TABLE users", "drops a table"),
        ("ALTER TABLE users DROP COLUMN roles", "drops a column"),
        ("ALTER TABLE users RENAME roles TO duties", "renames"),
        ("ALTER TABLE users ALTER COLUMN roles SET NOT NULL", "changes a column"),
        ("ALTER TABLE users ADD COLUMN age INTEGER NOT NULL", "adds a column that must be filled in"),
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (true)", "adds a constraint to rows that exist"),
        ("CREATE INDEX ix ON users (roles)", "keeps writers out while it makes an index"),
        ("UPDATE users SET roles = '[]'", "changes rows that exist"),
        ("ALTER TABLE users ADD COLUMN age INTEGER DEFAULT 0 NOT NULL", None),
        ("ALTER TABLE users ADD COLUMN age INTEGER", None),
        ("CREATE INDEX CONCURRENTLY ix ON users (roles)", None),
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (true) NOT VALID", None),
    ],
)
def test_what_is_forbidden_is_recognized(statement: str, what: str | None) -> None:
    assert forbidden([statement]) == ({(what, "users")} if what else set())
    assert not forbidden(["CREATE TABLE users (id INTEGER)", statement])
