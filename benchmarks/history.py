"""The recorded runs of `make bench`, one line of JSON each in `history.jsonl`, and how a new run compares with them.

A line has what the figures depend on: the machine, its load before the run, and the versions. It names no host and no
folder. Rates and times of different machines are never compared, only what is relative to the peer in the same run.
"""

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HISTORY = Path(__file__).with_name("history.jsonl")
POSTGRES = Path(__file__).with_name("postgres.sh")
PEER = "oidc-provider"
SLIDE = 0.9
"""What is below this share of the recorded run is marked. Runs on a quiet machine differ by up to a tenth."""
SAME_MACHINE = ("cores", "cpu", "memory_mib")


def machine() -> dict[str, Any]:
    """Return what the figures of this machine depend on."""
    cpu = _first_value(Path("/proc/cpuinfo"), "model name") or platform.machine()
    memory = (_first_value(Path("/proc/meminfo"), "MemTotal") or "0 kB").split()[0]
    return {
        "cores": os.cpu_count(),
        "cpu": cpu,
        "memory_mib": int(memory) // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": _postgres_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _first_value(path: Path, name: str) -> str | None:
    if not path.exists():
        return None
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), None)


def _postgres_version() -> str | None:
    done = subprocess.run(["sh", str(POSTGRES), "version", "."], capture_output=True, text=True, check=False)
    return done.stdout.split()[2] if done.returncode == 0 else None


def entry(results: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], *, commit: str, note: str) -> dict[str, Any]:
    """Return the line of a run, from what the driver measured of each target."""
    peer = next((result for result in results if PEER in result["target"]), None)
    return {
        "time": results[0]["time"],
        "commit": commit,
        "note": note,
        "machine": dict(facts),
        "targets": {result["target"]: _of_target(result, peer) for result in results},
    }


def _of_target(result: Mapping[str, Any], peer: Mapping[str, Any] | None) -> dict[str, Any]:
    workloads = {}
    for name, row in result["workloads"].items():
        found = {
            "per_second": row["rps"],
            "p50_ms": row["p50_ms"],
            "p99_ms": row["p99_ms"],
            "cpu_ms": row.get("server_cpu_ms_per_op"),
            "errors": row["errors"],
        }
        theirs = None if peer is None or peer is result else peer["workloads"].get(name)
        if theirs:
            found["of_peer"] = round(row["rps"] / theirs["rps"], 2)
        workloads[name] = found
    return {
        "workers": result["workers"],
        "seconds": result["duration_s"],
        "first_answer_s": result.get("cold_start_s"),
        "idle_mib": result.get("idle", {}).get("pss_mib"),
        "after_mib": result.get("after", {}).get("pss_mib"),
        "rsa_signs_per_second": result.get("openssl_rsa2048_sign_s"),
        "workloads": workloads,
    }


def record(line: Mapping[str, Any], path: Path = HISTORY) -> None:
    """Add a run to the history."""
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def last_recorded(path: Path = HISTORY) -> dict[str, Any] | None:
    """Return the last recorded run, or None."""
    lines = path.read_text().splitlines() if path.exists() else []
    return json.loads(lines[-1]) if lines else None


def comparison(now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[str]:
    """Markdown: each of our targets and workloads as a ratio of the recorded run, above 1 if it is better now.

    What is worse is marked: by its ratio to the peer if that is known, because other programs slow both of them down.
    """
    is_same = all(now["machine"][name] == then["machine"][name] for name in SAME_MACHINE)
    yield f"Compared with the run of {then['time']} at commit {then['commit']} ({then['note']}). Above 1 is better now."
    if not is_same:
        yield f"That was another machine ({then['machine']['cpu']}): only ratios to oidc-provider are compared."
    yield ""
    yield "| target | what | per second | CPU | to oidc-provider | |"
    yield "|---|---|--:|--:|--:|---|"
    for target, found in now["targets"].items():
        before = then["targets"].get(target)
        if before is None or PEER in target:
            continue
        for name, row in found["workloads"].items():
            was = before["workloads"].get(name)
            if was is None:
                continue
            rate = _ratio(row["per_second"], was["per_second"]) if is_same else None
            cpu = _ratio(was["cpu_ms"], row["cpu_ms"]) if is_same else None
            to_peer = _ratio(row.get("of_peer"), was.get("of_peer"))
            yield _row(target, name, rate, cpu, to_peer)
        if is_same:
            for what, key in (("first answer", "first_answer_s"), ("idle memory", "idle_mib")):
                yield _row(target, what, None, _ratio(before[key], found[key]), None)


def _ratio(good: float | None, base: float | None) -> float | None:
    return None if not good or not base else good / base


def _row(target: str, what: str, rate: float | None, cpu: float | None, to_peer: float | None) -> str:
    judged = [to_peer] if to_peer is not None else [ratio for ratio in (rate, cpu) if ratio is not None]
    shown = ["" if ratio is None else f"{ratio:.2f}" for ratio in (rate, cpu, to_peer)]
    return f"| {target} | {what} | {' | '.join(shown)} | {'worse' if judged and min(judged) < SLIDE else ''} |"
