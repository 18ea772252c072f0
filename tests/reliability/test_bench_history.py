"""The recorded runs of `make bench`: what a line keeps, and how a slide is seen."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from benchmarks import history


def measured(target: str, per_second: float, *, cpu: float = 1.0, idle: float = 120.0) -> dict[str, Any]:
    """What the driver returns of one target."""
    row = {"rps": per_second, "n": 100, "p50_ms": 1.0, "p99_ms": 2.0, "errors": 0, "server_cpu_ms_per_op": cpu}
    return {
        "target": target,
        "workers": 2,
        "duration_s": 8,
        "time": "2026-11-30T00:00:00Z",
        "cold_start_s": 1.0,
        "idle": {"pss_mib": idle},
        "openssl_rsa2048_sign_s": {"1": 1000.0, "2": 2000.0},
        "workloads": {"refresh": row},
    }


def line(
    signet: float, *, peer: float = 1000.0, machine: dict[str, Any] | None = None, **more: float
) -> dict[str, Any]:
    results = [measured("oidc-provider 9.13.3 (redis 7)", peer), measured("Signet (SQLite)", signet, **more)]
    return history.entry(results, machine or history.machine(), commit="abc", note="quiet")


def rows(now: dict[str, Any], then: dict[str, Any]) -> dict[str, list[str]]:
    """Signet's rows: what -> cells."""
    cells = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in history.comparison(now, then) if "| Signet" in row
    ]
    return {what: rest for _, what, *rest in cells}


def test_a_slide_is_marked() -> None:
    then = line(1000)
    assert rows(line(950), then)["refresh"] == ["0.95", "1.00", "0.95", ""]
    assert rows(line(800), then)["refresh"] == ["0.80", "1.00", "0.80", "worse"]
    assert rows(line(800, peer=800, cpu=1.25), then)["refresh"] == ["0.80", "0.80", "1.00", ""], "the machine was busy"
    assert rows(line(1000, idle=150), then)["idle memory"] == ["", "0.80", "", "worse"]


def test_without_the_peer_rates_and_processor_time_are_judged() -> None:
    then = line(1000)
    alone = history.entry([measured("Signet (SQLite)", 1000, cpu=1.25)], history.machine(), commit="abc", note="quiet")
    assert rows(alone, then)["refresh"] == ["1.00", "0.80", "", "worse"]


def test_runs_on_other_machines_are_compared_by_their_ratio_to_the_peer() -> None:
    then = line(3000, peer=3000, machine={**history.machine(), "cpu": "another"})
    assert rows(line(800), then) == {"refresh": ["", "", "0.80", "worse"]}


def test_a_recorded_line_says_what_the_figures_depend_on_and_not_where_they_were_measured(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert history.last_recorded(path) is None
    history.record(line(900), path)
    history.record(line(1000), path)
    kept = history.last_recorded(path)
    assert kept == line(1000)
    assert {"cores", "cpu", "memory_mib", "kernel", "python", "sqlite", "postgresql", "load"} == set(kept["machine"])
    text = json.dumps(kept)
    assert platform.node() not in text
    assert str(Path.home()) not in text


@pytest.mark.parametrize("kept", history.HISTORY.read_text().splitlines())
def test_the_history_can_be_read(kept: str) -> None:
    found = json.loads(kept)
    assert found["commit"]
    assert found["note"], "how quiet was the machine?"
    assert found["targets"]
