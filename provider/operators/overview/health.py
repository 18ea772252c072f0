"""The state of a running installation, for the overview and for `signet check`: processes, database, Redis, jobs and
keys.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provider import processes
from provider.database import migrations
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth.keys import rotation
from provider.operators import doctor_runs
from provider.outbox import store as outbox
from provider.outbox.store import DeliveryState
from provider.processes import Process
from provider.redis_client import require_redis
from provider.work import UnitOfWork

LATE_JOBS, LATE_KEYS = timedelta(minutes=5), timedelta(days=1)
"""How long a job, or the rotation of a key, may be due before no worker seems to run."""
REDIS_TIMEOUT = 0.25
"""The timeout for Redis, in seconds: a page waits for it."""


@dataclass(frozen=True)
class KeyAge:
    """The signing key in use of an algorithm."""

    alg: str
    signs_since: datetime
    age: timedelta
    due_at: datetime | None
    """When it is rotated next; None if keys are rotated manually."""
    share: float
    """The part of the key's lifetime that has passed, in percent from 0 to 100."""
    is_late: bool


@dataclass(frozen=True)
class Health:
    database: str
    """The kind of the database and its version, such as `PostgreSQL 16.4`."""
    revision: str | None
    """The revision of the schema; None if the database is empty."""
    needed_revision: str
    redis: bool | None
    """Whether Redis responds; None without Redis."""
    processes: list[Process]
    """The processes that run."""
    worker_seen_at: datetime | None
    """When a process that delivers was last seen, of those of the last day."""
    late_since: datetime | None
    """Since when the oldest job is due, if that is too long."""
    undelivered: Sequence[tuple[str, str, int]]
    """The number of jobs by topic and state, of those that wait, are being tried or failed permanently."""
    keys: list[KeyAge]
    doctor_problems: int
    """How many problems the last run of the doctor in the worker found."""

    @property
    def failed(self) -> Mapping[str, int]:
        """The number of jobs that failed permanently, by topic."""
        return {topic: count for topic, state, count in self.undelivered if state == DeliveryState.FAILED}

    @property
    def has_worker(self) -> bool:
        """Whether a process that delivers runs. It is also true if no process is known."""
        return not self.processes or any(process.delivers for process in self.processes)

    @property
    def versions(self) -> list[str]:
        return sorted({process.version for process in self.processes})


def look(work: UnitOfWork) -> Health:
    """Return the state of the installation. It takes a few short queries, and a message to Redis if there is one."""
    seen = processes.find_seen(work.read, since=work.now - processes.KEPT_FOR)
    return Health(
        database=_database(work),
        revision=migrations.current(work.read),
        needed_revision=migrations.HEAD,
        redis=_redis_responds(work.settings.redis_url),
        processes=[process for process in seen if work.now - process.seen_at <= processes.RUNNING_WITHIN],
        worker_seen_at=max((process.seen_at for process in seen if process.delivers), default=None),
        late_since=find_late_jobs(work),
        undelivered=sorted(outbox.count_undelivered(work.read)),
        keys=find_key_ages(work),
        doctor_problems=doctor_runs.count_problems(work.read),
    )


def find_late_jobs(work: UnitOfWork) -> datetime | None:
    """Return since when the oldest job is due, if it is due longer than LATE_JOBS."""
    due_at = outbox.oldest_due(work.read, now=work.now)
    return due_at if due_at is not None and work.now - due_at > LATE_JOBS else None


def find_key_ages(work: UnitOfWork) -> list[KeyAge]:
    """Return the age of the signing key of each algorithm."""
    rows, interval = rotation.list_keys(work), work.settings.key_rotation
    found = []
    for pair in KEY_PAIRS:
        states = rotation.key_states_of(rows, pair)
        current = states.current
        if current is not None:
            since = current.signs_from or current.created_at
            age = max(timedelta(0), work.now - since)  # nodes' clocks differ
            share = min(100.0, 100 * age / interval) if interval else 0.0
            is_waiting = states.upcoming is not None and states.upcoming.delayed_at is not None
            patience = LATE_KEYS + (work.settings.key_max_wait if is_waiting else timedelta(0))
            is_late = bool(interval) and age > interval + patience
            due_at = since + interval if interval else None
            found.append(KeyAge(pair, since, age, due_at, round(share, 1), is_late))
    return found


def _database(work: UnitOfWork) -> str:
    if work.installation.database.is_sqlite:
        return f"SQLite {sqlite3.sqlite_version}"
    version = work.read.dialect.server_version_info or ()
    return f"PostgreSQL {'.'.join(map(str, version))}"


def _redis_responds(url: str | None) -> bool | None:
    if url is None:
        return None
    import redis  # noqa: PLC0415  # most installations have none

    try:
        require_redis(url, timeout=REDIS_TIMEOUT)
    except (redis.RedisError, OSError, ValueError):
        return False
    return True
