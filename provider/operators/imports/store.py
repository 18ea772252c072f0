"""The tables of imports: each import with its progress, and the parts of its file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    tuple_,
    update,
)

from provider.database.base import metadata
from provider.database.deleting import delete_some
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime


class State(StrEnum):
    CHECKING = "checking"  # a dry run
    CHECKED = "checked"  # waits for an operator to start it
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # by an operator
    FAILED = "failed"  # the operator who started it no longer has the permission
    EXPIRED = "expired"  # nothing happened for a day, and its rows were deleted


OPEN = (State.CHECKING, State.CHECKED, State.RUNNING)

user_imports = Table(
    "user_imports",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("state", String(10), nullable=False),
    Column("operator", String(300), nullable=False),  # as text; it outlives the user or the client
    Column("why", String(200), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("updates", Boolean, nullable=False),
    Column("invites", Boolean, nullable=False),
    Column("total", Integer, nullable=False),  # rows
    Column("place", Integer, nullable=False),  # the number of the next part
    Column("created", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("job_id", Identifier),  # the outbox job that continues it
    Index("ix_user_imports_created_at", "created_at"),
    Index("ix_user_imports_finished_at", "finished_at"),
    Index("ix_user_imports_changed_at", "changed_at"),
)
user_import_parts = Table(
    "user_import_parts",
    metadata,
    Column("import_id", Identifier, ForeignKey("user_imports.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rows", Text),  # encrypted; NULL once they are imported
    Column("failures", Text),  # encrypted; of the check, and then of the import
    Column("failed", Integer, nullable=False),
)


@dataclass(frozen=True)
class Import:
    id: str
    state: str
    operator: str
    why: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    updates: bool
    invites: bool
    total: int
    place: int
    created: int
    updated: int
    skipped: int
    failed: int
    job_id: str | None

    @property
    def done(self) -> int:
        """How many rows are checked or imported."""
        return self.created + self.updated + self.skipped + self.failed


@dataclass(frozen=True)
class Part:
    """Some rows of the file, at most `parts.ROWS`, and which of them failed."""

    import_id: str
    number: int
    rows: str | None
    failures: str | None
    failed: int


_IMPORT = rows_of(Import, user_imports)
_PART = rows_of(Part, user_import_parts)


def add(db: Connection, one: Import, parts: Sequence[Part]) -> None:
    db.execute(insert(user_imports), values_of(one))
    db.execute(insert(user_import_parts), [values_of(part) for part in parts])


def find(db: Connection, import_id: str) -> Import | None:
    return _IMPORT.one(db, _IMPORT.select().where(user_imports.c.id == import_id))


def find_recent(db: Connection, *, after: tuple[datetime, str] | None, limit: int) -> list[Import]:
    """Return imports, the latest first. `after` has the time and the ID of the last one of the page before."""
    query = _IMPORT.select().order_by(user_imports.c.created_at.desc(), user_imports.c.id.desc())
    if after is not None:
        query = query.where(tuple_(user_imports.c.created_at, user_imports.c.id) < tuple_(*after))
    return _IMPORT.all(db, query.limit(limit))


def find_running(db: Connection, *, limit: int) -> list[Import]:
    """Return the imports that are running, the newest first."""
    running = _IMPORT.select().where(user_imports.c.state == State.RUNNING)
    return _IMPORT.all(db, running.order_by(user_imports.c.created_at.desc(), user_imports.c.id.desc()).limit(limit))


def lock(db: Connection, import_id: str) -> Import | None:
    """Return the import with its row locked until the transaction ends."""
    db.execute(select(user_imports.c.id).where(user_imports.c.id == import_id).with_for_update())
    return find(db, import_id)


def change(db: Connection, import_id: str, *, now: datetime, **values: Any) -> None:
    """Set these columns of the import."""
    db.execute(update(user_imports).where(user_imports.c.id == import_id).values(changed_at=now, **values))


def advance(db: Connection, one: Import, counts: Mapping[str, int], *, now: datetime) -> None:
    """Count what the next part had, and move the place behind it."""
    totals = {name: getattr(one, name) + number for name, number in counts.items()}
    change(db, one.id, now=now, place=one.place + 1, **totals)


def find_part(db: Connection, import_id: str, number: int) -> Part | None:
    return _PART.one(db, _PART.select().where(_of(import_id), user_import_parts.c.number == number))


def find_failed_parts(db: Connection, import_id: str, *, first: int, limit: int) -> list[Part]:
    """Return the parts with failures from this number on, in order."""
    is_failed = (user_import_parts.c.number >= first, user_import_parts.c.failed > 0)
    query = _PART.select().where(_of(import_id), *is_failed).order_by(user_import_parts.c.number)
    return _PART.all(db, query.limit(limit))


def set_part(db: Connection, part: Part) -> None:
    """Store the part as it is now."""
    values = {"rows": part.rows, "failures": part.failures, "failed": part.failed}
    db.execute(
        update(user_import_parts).where(_of(part.import_id), user_import_parts.c.number == part.number).values(**values)
    )


def forget_failures(db: Connection, import_id: str) -> None:
    """Forget which rows failed in the check."""
    db.execute(update(user_import_parts).where(_of(import_id)).values(failures=None, failed=0))


def finish(db: Connection, import_id: str, *, state: State, now: datetime) -> None:
    """End the import: its rows are deleted, and the failures stay."""
    change(db, import_id, now=now, state=state, finished_at=now)
    db.execute(delete(user_import_parts).where(_of(import_id), user_import_parts.c.failed == 0))
    db.execute(update(user_import_parts).where(_of(import_id)).values(rows=None))


def expire(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete the rows of imports that are open and unchanged since `before`."""
    stale = select(user_imports.c.id).where(user_imports.c.state.in_(OPEN), user_imports.c.changed_at < before)
    found = list(db.scalars(stale.limit(limit).with_for_update(skip_locked=True)))
    for import_id in found:
        finish(db, import_id, state=State.EXPIRED, now=before)
    return len(found)


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete imports that ended before this time, their failures first."""
    old = select(user_imports.c.id).where(user_imports.c.finished_at < before)
    count = delete_some(
        db, user_import_parts, user_import_parts.c.import_id.in_(old), by=user_import_parts.c.import_id, limit=limit
    )
    if count < limit:
        count += db.execute(delete(user_imports).where(user_imports.c.id.in_(old.limit(limit - count)))).rowcount
    return count


def _of(import_id: str) -> Any:
    return user_import_parts.c.import_id == import_id
