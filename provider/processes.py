"""The processes of an installation, for the operators' overview: each one notes once a minute that it is running."""

import os
import socket
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Column, Connection, Float, Index, Integer, String, Table, delete

from provider import __version__
from provider.database.base import metadata, new_id
from provider.database.dialect import upsert
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime
from provider.work import UnitOfWork, utc_now

KEPT_FOR = timedelta(days=1)
RUNNING_WITHIN = timedelta(minutes=3)
"""How long ago a running process was seen at most: it may have missed two of its minutes."""

processes = Table(
    "processes",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("delivers", Boolean, nullable=False),
    Column("version", String(40), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("seconds_behind", Float, nullable=False),
    Index("ix_processes_seen_at", "seen_at"),
)


@dataclass(frozen=True)
class Process:
    """A process of `signet serve` or `signet worker`."""

    id: str
    host: str
    pid: int
    delivers: bool
    """Whether it delivers the outbox and runs the recurring jobs, so that no other worker is needed."""
    version: str
    started_at: datetime
    seen_at: datetime
    seconds_behind: float
    """How far the clock of its machine was behind the database's; negative if it was ahead."""


PROCESS = rows_of(Process, processes)


def this_process(work: UnitOfWork, *, delivers: bool) -> Process:
    """Describe the process that runs this, which just started."""
    return Process(new_id(), socket.gethostname()[:255], os.getpid(), delivers, __version__, work.now, work.now, 0.0)


def note_running(work: UnitOfWork, process: Process) -> None:
    """Note that this process is running now."""
    behind = round((work.now - utc_now()).total_seconds(), 1)
    seen = replace(process, seen_at=work.now, seconds_behind=behind if abs(behind) >= 1 else 0.0)
    db = work.db
    fresh = upsert(db, processes).values(values_of(seen))
    changed = {"seen_at": fresh.excluded.seen_at, "seconds_behind": fresh.excluded.seconds_behind}
    db.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=changed))


def remove(db: Connection, process_id: str) -> None:
    db.execute(delete(processes).where(processes.c.id == process_id))


def find_seen(db: Connection, *, since: datetime) -> list[Process]:
    """Return the processes that were seen since then, by host and start."""
    query = PROCESS.select().where(processes.c.seen_at >= since)
    return PROCESS.all(db, query.order_by(processes.c.host, processes.c.started_at, processes.c.id))


def purge(db: Connection, *, before: datetime, limit: int) -> int:  # noqa: ARG001  # there are a handful
    return db.execute(delete(processes).where(processes.c.seen_at < before)).rowcount
