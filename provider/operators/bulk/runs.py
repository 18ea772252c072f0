"""The bulk_runs table: changes to all users that match a filter, and how far each has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Connection, Integer, String, Table, delete, insert, select, tuple_, update

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

LISTED = 100
"""How many failures of a run are kept with their reasons."""


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # by an operator
    FAILED = "failed"  # the operator no longer has the permission, or a filter can no longer be read


bulk_runs = Table(
    "bulk_runs",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("action", String(32), nullable=False),
    Column("value", String(254), nullable=False),  # what the operator entered, such as a role
    Column("text", String(254), nullable=False),  # what was searched for
    Column("filters", JSON, nullable=False),  # values by the names of filters
    Column("operator_id", Identifier, nullable=False),  # no foreign key: a run outlives the account
    Column("why", String(200), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("finished_at", UtcTime, index=True),
    Column("place", JSON(none_as_null=True)),  # of the last user so far
    Column("job_id", Identifier, nullable=False),  # the outbox job that continues it
    Column("total", Integer, nullable=False),  # how many matched when it began
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("failures", JSON, nullable=False),  # the first ones: user id and reason; no user id: of the run
)


@dataclass(frozen=True)
class Run:
    id: str
    action: str
    value: str
    text: str
    filters: dict[str, str]
    operator_id: str
    why: str
    created_at: datetime
    state: str
    finished_at: datetime | None
    place: list[Any] | None
    job_id: str
    total: int
    done: int
    failed: int
    failures: list[list[str]]

    @property
    def problem(self) -> str:
        """Why the run failed as a whole, or "" if the operator no longer has the permission."""
        return next((reason for user_id, reason in self.failures if not user_id), "")

    @property
    def left(self) -> int:
        """About how many users are left; users who came or went meanwhile are not counted."""
        return max(0, self.total - self.done - self.failed) if self.state == RunState.RUNNING else 0


_RUN = rows_of(Run, bulk_runs)


def add(db: Connection, run: Run) -> None:
    db.execute(insert(bulk_runs), values_of(run))


def find(db: Connection, run_id: str) -> Run | None:
    return _RUN.one(db, _RUN.select().where(bulk_runs.c.id == run_id))


def find_running(db: Connection, *, limit: int) -> list[Run]:
    """Return the runs that have not ended, the newest first."""
    running = _RUN.select().where(bulk_runs.c.state == RunState.RUNNING)
    return _RUN.all(db, running.order_by(bulk_runs.c.created_at.desc(), bulk_runs.c.id.desc()).limit(limit))


def find_recent(db: Connection, *, after: tuple[datetime, str] | None, limit: int) -> list[Run]:
    """Return runs, the latest first. `after` has the time and the ID of the last one of the page before."""
    query = _RUN.select().order_by(bulk_runs.c.created_at.desc(), bulk_runs.c.id.desc())
    if after is not None:
        query = query.where(tuple_(bulk_runs.c.created_at, bulk_runs.c.id) < tuple_(*after))
    return _RUN.all(db, query.limit(limit))


def lock(db: Connection, run_id: str) -> Run | None:
    """Return the run with its row locked until the transaction ends."""
    db.execute(select(bulk_runs.c.id).where(bulk_runs.c.id == run_id).with_for_update())
    return find(db, run_id)


def advance(db: Connection, run: Run, *, place: Sequence[Any] | None, done: int, failures: list[list[str]]) -> None:
    """Save how far the run has come: the place of the last user, and what happened since the place before."""
    values = {
        "place": place,
        "done": run.done + done,
        "failed": run.failed + len(failures),
        "failures": [*run.failures, *failures][:LISTED],
    }
    db.execute(update(bulk_runs).where(bulk_runs.c.id == run.id).values(**values))


def set_job(db: Connection, run_id: str, job_id: str) -> None:
    db.execute(update(bulk_runs).where(bulk_runs.c.id == run_id).values(job_id=job_id))


def finish(db: Connection, run_id: str, *, state: RunState, now: datetime) -> None:
    db.execute(update(bulk_runs).where(bulk_runs.c.id == run_id).values(state=state, finished_at=now))


def fail(db: Connection, run: Run, problem: str, *, now: datetime) -> None:
    """Finish a run that cannot continue, with the reason."""
    finish(db, run.id, state=RunState.FAILED, now=now)
    failures = [["", problem], *run.failures]
    db.execute(update(bulk_runs).where(bulk_runs.c.id == run.id).values(failures=failures))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(bulk_runs.c.id).where(bulk_runs.c.finished_at < before).order_by(bulk_runs.c.finished_at).limit(limit)
    return db.execute(delete(bulk_runs).where(bulk_runs.c.id.in_(old))).rowcount
