"""What is sampled while the service runs for hours, and what the samples must show at the end."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Connection

from benchmarks.scratch import Scratch

MIB = 1024 * 1024
TRANSIENT = ("authorization_codes", "authorization_requests", "refresh_tokens")
"""Tables that every sign-in and refresh fills and the purge empties: they must stop growing."""
OWN_MEMORY = ("Pss_Anon:", "Pss_Shmem:")
"""The lines of smaps_rollup that depend on the processes alone: pages of files are shared with other programs."""
MEMORY_SLOPE = 1.0
"""MiB per hour."""
MOST_WAL = {"sqlite": 64 * MIB, "postgresql": 1280 * MIB}
"""SQLite starts its log again at a checkpoint. PostgreSQL keeps about max_wal_size, 1 GiB by default."""
STEADY = 1.2
"""How much a table of `TRANSIENT`, or the bytes of one operation, may differ between two parts of a run."""
SLOWER = 1.1
"""By how much the p99 of the last minutes may exceed that of the first."""


@dataclass
class Sample:
    """The state at the end of one interval. Sizes are in bytes, `at` in seconds since the load began."""

    at: float
    operations: int
    """In the interval."""
    errors: int
    p50_ms: float
    p99_ms: float
    memory: int
    """Of all processes of the service, without files: pages that they share count once."""
    descriptors: int
    threads: int
    wal: int
    database: int
    rows: dict[str, int]


@dataclass
class Verdict:
    """One thing that was judged."""

    what: str
    passed: bool
    measured: str


@dataclass
class Record:
    """A whole run."""

    database: str
    seconds: float
    warm_up: float
    most_per_second: float
    """What the same workload reached without pauses, before the run."""
    rate: float
    samples: list[Sample] = field(default_factory=list)
    first_p99_ms: float = 0.0
    last_p99_ms: float = 0.0
    window: float = 600.0
    """Seconds of `first_p99_ms` and `last_p99_ms`."""
    failures: list[str] = field(default_factory=list)
    """Some of the unexpected answers."""
    by_operation: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    """Operation -> how many, p50 and p99 in milliseconds."""

    @property
    def steady(self) -> list[Sample]:
        """The samples after warm-up."""
        return [sample for sample in self.samples if sample.at >= self.warm_up]

    def verdicts(self) -> Iterator[Verdict]:
        samples = self.steady
        if len(samples) < 6:
            yield Verdict("length", False, f"{len(samples)} samples after warm-up; at least 6 are needed")
            return
        errors = sum(sample.errors for sample in self.samples)
        yield Verdict("every answer as expected", errors == 0, f"{errors} errors")
        slope = slope_per_hour([(sample.at, sample.memory / MIB) for sample in samples])
        yield Verdict(f"memory grows less than {MEMORY_SLOPE:g} MiB/h", slope < MEMORY_SLOPE, f"{slope:+.2f} MiB/h")
        for name in ("descriptors", "threads"):
            early, late = (median(getattr(sample, name) for sample in part) for part in halves(samples))
            yield Verdict(f"no more {name}", late <= early + 2, f"{early:g}, then {late:g}")
        wal = max(sample.wal for sample in samples)
        yield Verdict("the write-ahead log is bounded", wal <= MOST_WAL[self.database], f"{wal / MIB:.1f} MiB at most")
        for table in TRANSIENT:
            middle, last = (max(sample.rows[table] for sample in part) for part in halves(samples))
            yield Verdict(f"{table} stops growing", last <= middle * STEADY + 100, f"{middle:,}, then {last:,} rows")
        early, late = (bytes_per_operation(part) for part in halves(samples))
        kept = f"{early:.0f}, then {late:.0f} bytes an operation"
        yield Verdict("the database grows only with what it keeps", late <= max(early, 100) * STEADY, kept)
        ratio = self.last_p99_ms / self.first_p99_ms if self.first_p99_ms else 0.0
        measured = f"{self.first_p99_ms:.1f}, then {self.last_p99_ms:.1f} ms: {ratio:.2f}"
        yield Verdict(f"p99 of the last {self.window / 60:g} minutes within {SLOWER} x", ratio <= SLOWER, measured)

    def table(self) -> Iterator[str]:
        """Markdown: about a dozen of the samples, the operations, and the verdicts."""
        yield "| minute | per second | p50 ms | p99 ms | MiB | descriptors | threads | WAL MiB | database MiB |"
        yield "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        step = max(1, len(self.samples) // 12)
        before = 0.0
        for number, one in enumerate(self.samples):
            rate = one.operations / max(one.at - before, 0.001)
            before = one.at
            if number % step == 0 or number == len(self.samples) - 1:
                yield (
                    f"| {one.at / 60:.1f} | {rate:.0f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} | {one.memory / MIB:.1f} "
                    f"| {one.descriptors} | {one.threads} | {one.wal / MIB:.1f} | {one.database / MIB:.1f} |"
                )
        yield ""
        yield "| operation | count | p50 ms | p99 ms |"
        yield "|---|--:|--:|--:|"
        for name, (count, p50, p99) in sorted(self.by_operation.items()):
            yield f"| {name} | {count:,} | {p50:.1f} | {p99:.1f} |"
        yield ""
        yield (
            f"{self.seconds / 60:.0f} minutes on {self.database}, {self.rate:.0f} operations a second "
            f"(measured maximum {self.most_per_second:.0f}), warm-up {self.warm_up / 60:.0f} minutes."
        )
        yield ""
        yield "| required | | measured |"
        yield "|---|---|---|"
        for verdict in self.verdicts():
            yield f"| {verdict.what} | {'yes' if verdict.passed else 'NO'} | {verdict.measured} |"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdicts": [asdict(verdict) for verdict in self.verdicts()]}


def halves(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    middle = len(samples) // 2
    return samples[:middle], samples[middle:]


def slope_per_hour(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the least-squares line through points of (seconds, value), per hour."""
    count = len(points)
    x, y = (sum(point[axis] for point in points) / count for axis in (0, 1))
    spread = sum((at - x) ** 2 for at, _ in points)
    return 3600 * sum((at - x) * (value - y) for at, value in points) / spread if spread else 0.0


def bytes_per_operation(samples: Sequence[Sample]) -> float:
    operations = sum(sample.operations for sample in samples[1:])
    return (samples[-1].database - samples[0].database) / max(operations, 1)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))] if sorted_values else 0.0


def usage(pids: list[int]) -> tuple[int, int, int]:
    """Return the memory in bytes, the open descriptors and the threads of these processes together."""
    memory = descriptors = threads = 0
    for pid in pids:
        process = Path(f"/proc/{pid}")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = (process / "smaps_rollup").read_text().splitlines()
            memory += 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(OWN_MEMORY))
            descriptors += len(list((process / "fd").iterdir()))
            threads += len(list((process / "task").iterdir()))
    return memory, descriptors, threads


def storage(there: Scratch) -> tuple[int, int, dict[str, int]]:
    """Return the bytes of the write-ahead log and of the database, and table -> rows."""
    with there.installation.database.connect() as db:
        if there.postgres is not None:
            wal = int(db.exec_driver_sql("SELECT sum(size) FROM pg_ls_waldir()").scalar_one())
            size = int(db.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
            names = db.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        else:
            file = there.folder / "signet.db"
            beside = file.with_name("signet.db-wal")
            wal, size = (beside.stat().st_size if beside.exists() else 0), file.stat().st_size
            names = db.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        tables = [row[0] for row in names]
        return wal, size, {table: _count(db, table) for table in tables if "search" not in table}


def _count(db: Connection, table: str) -> int:
    return int(db.exec_driver_sql(f'SELECT count(*) FROM "{table}"').scalar_one())
