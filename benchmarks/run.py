"""Measure Signet, and its fastest peer beside it, with the shared driver; print tables with the ratios.

Then it measures what the driver has no workloads for (`workloads.py`).

The ratios are to the peer and to the last recorded run (`history.py`).

The driver is a script outside this repository: BENCH_DRIVER, by default shared/peers/bench.py in the folder above it
(docs/development/performance.md). It starts each target, checks its answers, loads it and stops it.
Its own needs and the peers' are under PEERS_HOME; the node peer is measured when it is installed there.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import history, workloads

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
PEER = "panva-redis"
TITLES = {
    "discovery": "GET discovery",
    "jwks": "GET JWKS",
    "cc": "client_credentials",
    "refresh": "refresh_token (rotating)",
    "code": "authorize + code",
    "userinfo": "userinfo",
    "introspect": "introspect",
}
SIGNATURES = {"cc": 1, "refresh": 2, "code": 2}
"""How many RS256 signatures an operation needs: what `openssl speed` is divided by for its limit."""


@dataclass(frozen=True)
class Driver:
    script: Path
    home: Path

    @property
    def python(self) -> str:
        """One with uvloop, so that the driver takes as little of the machine as it can."""
        own = self.home / "v-drv/bin/python"
        return str(own) if own.exists() else sys.executable

    @property
    def peer(self) -> Path | None:
        """The node peer's target file, when it is installed."""
        target = self.script.parent / f"targets/{PEER}.json"
        installed = (
            (self.home / "panva/node_modules").is_dir() and shutil.which("node") and shutil.which("redis-server")
        )
        return target if installed and target.exists() else None

    def run(self, target: Path, options: argparse.Namespace) -> dict[str, Any] | None:
        """One run; what it measured, or None when it failed."""
        command = [self.python, str(self.script), "--target", str(target), "--workers", str(options.workers)]
        command += ["--duration", str(options.duration)]
        if options.check_only:
            command.append("--check-only")
        if options.workloads:
            command += ["--workloads", options.workloads]
        env = {name: value for name, value in os.environ.items() if not name.startswith("SIGNET_")}
        env |= {"PEERS_HOME": str(self.home), "BENCH_REPO": str(REPOSITORY), "BENCH_PYTHON": sys.executable}
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)
        return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def main() -> None:
    options = read_options()
    driver = find_driver()
    facts = history.machine()  # its load, before there is any of ours
    chosen = [HERE / f"target-{name}.json" for name in options.targets.split(",")]
    if options.peer and driver.peer is None:
        print(f"The peer is not installed under {driver.home}: no ratios to it.", file=sys.stderr)
    elif options.peer and driver.peer is not None:
        chosen.insert(0, driver.peer)
    done = [(target, driver.run(target, options)) for target in chosen]
    failed = [target.name for target, result in done if result is None]
    results = [result for _, result in done if result is not None]
    pairs = workloads.measure(options.targets.split(","), check_only=options.check_only) if options.pairs else []
    if pairs:
        print("\n".join(workloads.table(pairs)), end="\n\n")
    if results and not options.check_only:
        folder = REPOSITORY / "build/bench"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "results.jsonl").open("a") as file:
            file.writelines(json.dumps(result) + "\n" for result in results)
        print("\n".join(table(results)))
        line = history.entry(results, facts, commit=commit(), note=options.record or "")
        line["pairs"] = [workloads.as_row(each) for each in pairs]
        if (then := history.last_recorded()) is not None:
            print("", *history.comparison(line, then), sep="\n")
        if options.record:
            history.record(line)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")
    wrong = [
        f"{result['target']} {name}" for result in results for name, row in result["workloads"].items() if row["errors"]
    ]
    if wrong:
        raise SystemExit(f"errors in: {', '.join(wrong)}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", default="sqlite,postgres", help="of ours, comma-separated")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--duration", type=int, default=8, help="seconds per workload")
    parser.add_argument("--workloads", help="comma-separated; all when left out")
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="measure only ours")
    parser.add_argument("--no-pairs", dest="pairs", action="store_false", help="measure only what the driver can")
    parser.add_argument("--check-only", action="store_true", help="start, sign in, check every answer; measure nothing")
    parser.add_argument(
        "--record", metavar="NOTE", help="keep this run in history.jsonl; say how quiet the machine was"
    )
    return parser.parse_args()


def commit() -> str:
    """The commit that is measured, with a plus sign if files were changed since."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty=+", "--abbrev=8", "--exclude=*"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip() or "unknown"


def find_driver() -> Driver:
    given = os.environ.get("BENCH_DRIVER")
    script = Path(given).resolve() if given else REPOSITORY.parent / "shared/peers/bench.py"
    if not script.exists():
        raise SystemExit(f"no driver at {script}; say where bench.py is with BENCH_DRIVER")
    home = os.environ.get("PEERS_HOME")
    return Driver(script, Path(home) if home else Path(tempfile.gettempdir()) / "peers")


def table(results: list[dict[str, Any]]) -> Iterator[str]:
    """Markdown: one row per workload and target, then one per target."""
    peer = next((result for result in results if "oidc-provider" in result["target"]), None)
    names = [name for name in TITLES if any(name in result["workloads"] for result in results)]
    yield "| workload | target | per second | p50 ms | p99 ms | errors | CPU ms | of oidc-provider | of the RSA limit |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    for name in names:
        for result in results:
            row = result["workloads"].get(name)
            if row is None:
                continue
            theirs = None if peer is None or peer is result else peer["workloads"].get(name)
            to_peer = f"{row['rps'] / theirs['rps']:.2f}" if theirs else ""
            signs = result["openssl_rsa2048_sign_s"]["2" if result["workers"] > 1 else "1"]
            to_limit = f"{row['rps'] * SIGNATURES[name] / signs:.2f}" if name in SIGNATURES else ""
            cells = [TITLES[name], result["target"], f"{row['rps']:,.0f}", row["p50_ms"], row["p99_ms"], row["errors"]]
            cells += [row.get("server_cpu_ms_per_op", ""), to_peer, to_limit]
            yield "| " + " | ".join(str(cell) for cell in cells) + " |"
    yield ""
    yield "| target | workers | first answer s | idle MiB | after load MiB | openssl rsa2048 sign/s, 1 / 2 processes |"
    yield "|---|--:|--:|--:|--:|--:|"
    for result in results:
        idle, after, signs = result.get("idle", {}), result.get("after", {}), result["openssl_rsa2048_sign_s"]
        cells = [
            result["target"],
            result["workers"],
            result.get("cold_start_s"),
            idle.get("pss_mib"),
            after.get("pss_mib"),
        ]
        yield "| " + " | ".join(str(cell) for cell in [*cells, f"{signs['1']:,.0f} / {signs['2']:,.0f}"]) + " |"


if __name__ == "__main__":
    main()
