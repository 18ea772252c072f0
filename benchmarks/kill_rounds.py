"""Kill the service with SIGKILL at random moments under load, and check that nothing acknowledged is lost.

Each round lets apps and users act (`ledger`), kills something, waits until the service answers again, and checks every
ledger: an acknowledged write is there, a used code, a rotated or revoked token and an ended session stay dead. What is
killed: the whole service, one of its workers, or on PostgreSQL the database server, alone or together with the service.

    python benchmarks/kill_rounds.py --databases sqlite,postgresql --rounds 200 --seed 1
"""

import argparse
import json
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.ledger import KINDS, Actor, acting, make_actors, verify_all
from benchmarks.scratch import Scratch, scratch
from provider.database.engine import OUTAGES
from tests.support.services import services
from tests.support.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[1]
SERVICE, WORKER, DATABASE, BOTH = "service", "one worker", "database server", "service and database server"
VICTIMS = {
    "sqlite": {SERVICE: 3, WORKER: 1},
    "postgresql": {SERVICE: 4, WORKER: 2, DATABASE: 3, BOTH: 1},
}
"""What may be killed on each database, and how often in relation to the others."""
LOAD = (0.2, 1.6)
"""Seconds of load before a kill: at random between these."""


@dataclass
class Result:
    """What a run on one database found."""

    database: str
    seed: int
    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    checked: int = 0
    down_seconds: list[float] = field(default_factory=list)
    """From each kill until the service is ready again."""
    problems: list[str] = field(default_factory=list)

    @property
    def revived(self) -> int:
        return sum("REVIVED" in problem for problem in self.problems)

    def table(self) -> Iterator[str]:
        """Markdown: one row for each operation, then what was found."""
        yield "| operation | acknowledged |"
        yield "|---|--:|"
        for name, count in sorted(self.acknowledged.items()):
            yield f"| {name} | {count:,} |"
        yield ""
        yield "| killed | rounds |"
        yield "|---|--:|"
        for name, count in self.killed.most_common():
            yield f"| {name} | {count} |"
        yield ""
        down = sorted(self.down_seconds) or [0.0]
        yield (
            f"{self.rounds} rounds on {self.database}, seed {self.seed}: {sum(self.acknowledged.values()):,} writes "
            f"acknowledged, {self.unanswered:,} requests without an answer, {self.checked:,} checks. "
            f"Lost or wrong: {len(self.problems) - self.revived}. Revived: {self.revived}. "
            f"Ready again after {down[len(down) // 2]:.1f} s (median), {down[-1]:.1f} s (longest)."
        )


def run(database: str, *, rounds: int, seed: int, each: int = 2, report: bool = False) -> Result:
    """Play so many rounds on `sqlite` or `postgresql`, with `each` actors of every kind."""
    random = Random(f"{seed} {database}")
    result = Result(database, seed)
    settings = {
        "SIGNET_BCRYPT_COST": "4",
        "SIGNET_REGISTRATION": "open",
        "SIGNET_CODE_LIFETIME": "10m",  # a round must not end because codes expire on a busy machine
        "SIGNET_REFRESH_GRACE": "5m",  # a refresh without an answer is repeated after the restart
    }
    with scratch(database, workers=2, settings=settings) as there:
        there.start()
        actors = make_actors(there, random, each=each)
        keys = actors[0].rp.jwks()
        for number in range(1, rounds + 1):
            victim = random.choices(*zip(*VICTIMS[database].items(), strict=True))[0]
            before = sum(len(actor.problems) for actor in actors)
            result.down_seconds.append(play(there, actors, random, victim))
            verify_all(actors)
            result.rounds += 1
            result.killed[victim] += 1
            if actors[0].rp.jwks() != keys:
                result.problems.append(f"round {number}: the published keys changed")
            if sum(len(actor.problems) for actor in actors) > before:
                result.problems += [f"round {number}, killed: {victim}"]
            if report and number % 10 == 0:
                acknowledged = sum(sum(actor.acknowledged.values()) for actor in actors)
                print(f"{database}: {number} rounds, {acknowledged:,} writes", file=sys.stderr, flush=True)
        for actor in actors:
            result.acknowledged += actor.acknowledged
            result.unanswered += actor.unanswered
            result.checked += actor.checked
            result.problems += actor.problems
        result.problems += integrity(there)
    return result


def play(there: Scratch, actors: list[Actor], random: Random, victim: str) -> float:
    """One round until the service is ready again. Returns the seconds that took from the kill on."""
    assert there.server is not None
    with acting(actors):
        time.sleep(random.uniform(*LOAD))
        began = time.monotonic()
        if victim in {DATABASE, BOTH}:
            assert there.postgres is not None
            there.postgres.kill()
        if victim in {SERVICE, BOTH}:
            there.kill()
        elif victim == WORKER:
            os.kill(random.choice(there.server.workers()), signal.SIGKILL)
        if victim in {DATABASE, BOTH}:
            assert there.postgres is not None
            time.sleep(random.uniform(0, 0.3))
            there.postgres.start()
        if victim in {WORKER, DATABASE}:  # the load goes on, and finds the service as it comes back
            wait_until(lambda: len(there.processes()) == there.workers + 1, of=there.server.process)
            there.server.wait_until_ready()
            wait_until(lambda: is_writable(there))
            time.sleep(random.uniform(0, 0.3))
            return time.monotonic() - began
    if victim in {SERVICE, BOTH}:
        there.start()
        wait_until(lambda: is_writable(there))
    return time.monotonic() - began


def is_writable(there: Scratch) -> bool:
    """Return whether our own connections work again too: checks read the database directly."""
    try:
        with there.installation.database.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except OUTAGES:
        return False
    return True


def integrity(there: Scratch) -> list[str]:
    """Return what the database itself finds wrong with its file."""
    if there.postgres is not None:
        return []
    there.stop()
    with sqlite3.connect(there.folder / "signet.db") as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        found += connection.execute("PRAGMA foreign_key_check").fetchall()
    return [] if found == [("ok",)] else [f"integrity: {found[:5]}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--rounds", type=int, default=20, help="kills on each database")
    parser.add_argument("--seed", type=int, help="repeats a run's victims and moments; random if left out")
    parser.add_argument("--each", type=int, default=2, help=f"actors of each of the {len(KINDS)} kinds")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else SystemRandom().randrange(10**6)
    print(f"seed {seed}", file=sys.stderr, flush=True)
    wrong = 0
    try:
        for database in options.databases.split(","):
            result = run(database, rounds=options.rounds, seed=seed, each=options.each, report=True)
            save(result)
            print(f"\n## {database}\n", *result.table(), *(f"- {problem}" for problem in result.problems), sep="\n")
            sys.stdout.flush()
            wrong += len(result.problems)
    finally:
        services.stop()
    raise SystemExit(1 if wrong else 0)


def save(result: Result) -> None:
    folder = REPOSITORY / "build/kill-rounds"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.database}.json").write_text(json.dumps(vars(result), indent=2) + "\n")


if __name__ == "__main__":
    main()
