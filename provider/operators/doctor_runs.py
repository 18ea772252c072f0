"""The doctor_runs table: the last result of `signet doctor` in the worker, and whether another run is requested.

It has one row. One conditional UPDATE claims a run, so however many workers look, one of them examines.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, String, Table, Text, or_, select, update

from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import metadata
from provider.database.dialect import upsert
from provider.database.rows import rows_of
from provider.database.types import UtcTime
from provider.languages import text
from provider.refusals import Refusal
from provider.work import UnitOfWork

ONLY = 1
"""The key of the only row."""
LEASE = timedelta(minutes=15)
"""How long a claim lasts. Examinations have ended well before: each is bounded, and six run at the same time."""
NIGHT_BEGINS, NIGHT_ENDS = 3, 4
"""The hours of the nightly run, in UTC: between this one and that one."""
MOST_FINDINGS = 200
"""How many findings are stored."""
LONGEST_TEXT = 600
"""The length of each text of a stored finding, in characters."""

doctor_runs = Table(
    "doctor_runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("requested_at", UtcTime),  # None: no run is requested
    Column("requested_by", String(200)),  # the operator, as in the audit log; None: nightly
    Column("started_at", UtcTime),  # of the run in progress, or of the last one
    Column("started_by", String(200)),  # who requested that run; None: nightly
    Column("running_until", UtcTime),  # the claim of the run in progress
    Column("finished_at", UtcTime),  # of the run with the result
    Column("problems", Integer, nullable=False),  # their number in the result
    Column("report", Text),  # the result as JSON, without secrets
)


class Progress(StrEnum):
    """The progress of the diagnostics."""

    IDLE = "idle"
    REQUESTED = "requested"
    RUNNING = "running"
    LOST = "lost"  # the process that examined ended without a result


@dataclass(frozen=True)
class DoctorRuns:
    """The last result, and the run that is requested or in progress."""

    requested_at: datetime | None = None
    requested_by: str | None = None
    started_at: datetime | None = None
    started_by: str | None = None
    running_until: datetime | None = None
    finished_at: datetime | None = None
    problems: int = 0
    report: str | None = None

    def progress(self, now: datetime) -> Progress:
        """Return what is going on now."""
        if self.requested_at is not None:
            return Progress.REQUESTED
        if self.running_until is None:
            return Progress.IDLE
        return Progress.RUNNING if self.running_until > now else Progress.LOST

    @property
    def result(self) -> dict[str, Any] | None:
        """The report of the last run that ended, with who requested it as `by`; None before the first one."""
        return None if self.report is None else dict(json.loads(self.report))


_RUNS = rows_of(DoctorRuns, doctor_runs)


class AlreadyRequested(Refusal):
    code = "doctor-already-requested"
    status_code = 409
    message = text.Text("Diagnostics are already requested or running. Wait for the result.")


def find(db: Connection) -> DoctorRuns:
    """Return the last result and what is going on."""
    return _RUNS.one(db, _RUNS.select().where(doctor_runs.c.id == ONLY)) or DoctorRuns()


def count_problems(db: Connection) -> int:
    """Return the number of problems in the last result; 0 without one."""
    return db.scalar(select(doctor_runs.c.problems).where(doctor_runs.c.id == ONLY)) or 0


def request(work: UnitOfWork) -> None:
    """Queue a run for the worker. Raises AlreadyRequested."""
    _add_row(work.db)
    operator = work.origin.operator
    asked = {"requested_at": work.now, "requested_by": None if operator is None else str(operator)}
    free = (doctor_runs.c.id == ONLY, doctor_runs.c.requested_at.is_(None), _is_free(work.now))
    if work.db.execute(update(doctor_runs).where(*free).values(**asked)).rowcount != 1:
        raise AlreadyRequested
    record(work, Event.DOCTOR_REQUESTED)


def claim(work: UnitOfWork) -> datetime | None:
    """Claim a run that is due: requested by an operator, or tonight's (SIGNET_DOCTOR_NIGHTLY).

    Returns when it started, which names the claim, or None if nothing is due or another process was faster.
    """
    tonight = _tonight(work)
    seen = find(work.read)
    is_due_tonight = tonight is not None and (seen.started_at is None or seen.started_at < tonight)
    if seen.requested_at is None and not is_due_tonight:
        return None
    _add_row(work.db)
    is_due: ColumnElement[bool] = doctor_runs.c.requested_at.is_not(None)
    if tonight is not None:
        is_due = or_(is_due, doctor_runs.c.started_at.is_(None), doctor_runs.c.started_at < tonight)
    taken = update(doctor_runs).where(doctor_runs.c.id == ONLY, is_due, _is_free(work.now))
    values = {
        "started_at": work.now,
        "started_by": doctor_runs.c.requested_by,
        "running_until": work.now + LEASE,
        "requested_at": None,
        "requested_by": None,
    }
    return work.now if work.db.execute(taken.values(**values)).rowcount == 1 else None


def finish(work: UnitOfWork, claim: datetime, *, report: dict[str, Any], problems: int) -> bool:
    """Store the result of a claimed run instead of the previous one. Returns False if the claim is gone.

    `report` has no secrets. Findings beyond MOST_FINDINGS and texts beyond LONGEST_TEXT are cut.
    """
    findings = [_shortened(each) for each in report["findings"][:MOST_FINDINGS]]
    by = work.db.scalar(select(doctor_runs.c.started_by).where(doctor_runs.c.id == ONLY))
    values = {
        "running_until": None,
        "finished_at": work.now,
        "problems": problems,
        "report": json.dumps({**report, "findings": findings, "by": by}),
    }
    return work.db.execute(_claimed(claim).values(**values)).rowcount == 1


def release(work: UnitOfWork, claim: datetime) -> None:
    """Give a claimed run back, because this process stops: another one does it."""
    back = {"running_until": None, "requested_at": work.now, "requested_by": doctor_runs.c.started_by}
    work.db.execute(_claimed(claim).values(**back))


def _claimed(claim: datetime) -> Any:
    mine = (doctor_runs.c.id == ONLY, doctor_runs.c.started_at == claim, doctor_runs.c.running_until.is_not(None))
    return update(doctor_runs).where(*mine)


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Return the condition that no run is in progress. A run whose process was lost does not count."""
    return or_(doctor_runs.c.running_until.is_(None), doctor_runs.c.running_until <= now)


def _add_row(db: Connection) -> None:
    db.execute(upsert(db, doctor_runs).values(id=ONLY, problems=0).on_conflict_do_nothing())


def _tonight(work: UnitOfWork) -> datetime | None:
    """Return when the night of the nightly run began, or None if it is not night or nightly runs are off."""
    if not work.settings.doctor_nightly or not NIGHT_BEGINS <= work.now.hour < NIGHT_ENDS:
        return None
    return work.now.replace(hour=NIGHT_BEGINS, minute=0, second=0, microsecond=0)


def _shortened(finding: dict[str, Any]) -> dict[str, Any]:
    return {name: value[:LONGEST_TEXT] if isinstance(value, str) else value for name, value in finding.items()}
