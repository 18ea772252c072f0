"""The soak: a short one by itself, and what its verdicts find in the samples of a run."""

from collections.abc import Callable

import pytest

from benchmarks.sampling import MIB, Record, Sample
from benchmarks.soak import MIX, soak


def _record(**changes: Callable[[int], object]) -> Record:
    """Two hours that are as they should be, but for `changes`: functions of the minute."""
    record = Record("sqlite", 7200, 1200, most_per_second=500, rate=300, first_p99_ms=20, last_p99_ms=21)
    for minute in range(1, 121):
        given: dict[str, object] = {
            "at": minute * 60.0,
            "operations": 18_000,
            "errors": 0,
            "p50_ms": 4.0,
            "p99_ms": 20.0,
            "memory": 180 * MIB + (minute % 3) * MIB,
            "descriptors": 80,
            "threads": 30,
            "wal": 4 * MIB,
            "database": minute * 5 * MIB,
            "rows": {"authorization_codes": 3000, "authorization_requests": 10, "refresh_tokens": 9000},
        }
        given.update({name: change(minute) for name, change in changes.items()})
        record.samples.append(Sample(**given))  # type: ignore[arg-type]
    return record


FOUND: dict[str, tuple[str, Callable[[int], object]]] = {
    "memory grows less than 1 MiB/h": ("memory", lambda minute: 180 * MIB + minute * MIB // 50),
    "no more descriptors": ("descriptors", lambda minute: 80 + minute // 10),
    "no more threads": ("threads", lambda minute: 30 + minute // 10),
    "the write-ahead log is bounded": ("wal", lambda minute: minute * MIB),
    "refresh_tokens stops growing": (
        "rows",
        lambda minute: {"authorization_codes": 3000, "authorization_requests": 10, "refresh_tokens": minute * 100},
    ),
    "the database grows only with what it keeps": ("database", lambda minute: minute * minute * MIB),
    "every answer as expected": ("errors", lambda minute: int(minute == 70)),
}


def test_each_verdict_fails_for_its_reason_and_no_other() -> None:
    assert [verdict.what for verdict in _record().verdicts() if not verdict.passed] == []
    for what, (name, change) in FOUND.items():
        assert [verdict.what for verdict in _record(**{name: change}).verdicts() if not verdict.passed] == [what]
    slower = _record()
    slower.last_p99_ms = 22.5
    assert [verdict.measured for verdict in slower.verdicts() if not verdict.passed] == ["20.0, then 22.5 ms: 1.12"]


def test_warm_up_is_not_judged() -> None:
    warming = _record(
        memory=lambda minute: min(minute, 19) * 10 * MIB, descriptors=lambda minute: max(80, 100 - minute)
    )
    assert all(verdict.passed for verdict in warming.verdicts())


@pytest.mark.load
@pytest.mark.slow
@pytest.mark.race
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_short_soak_answers_everything_and_leaks_nothing(database: str, request: pytest.FixtureRequest) -> None:
    """F-16, for seconds: memory and the p99 need hours on a quiet machine, the rest does not."""
    if database == "postgresql":
        request.getfixturevalue("postgres_url")  # skips without PostgreSQL
    record = soak(database, seconds=8, share=0.3, interval=1, lanes=2, workers=1, measure=2)
    assert record.failures == []
    assert set(record.by_operation) == set(MIX)
    assert sum(sample.operations for sample in record.samples) > 0
    wanted = {"every answer as expected", "no more descriptors", "the write-ahead log is bounded"}
    passed = {verdict.what for verdict in record.verdicts() if verdict.passed}
    assert wanted <= passed, list(record.verdicts())
