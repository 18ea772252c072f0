"""Load the service for hours with a mix of operations, and check that it stays as it was after warm-up.

First the mix runs without pauses for a moment: that is the maximum. Then it runs at a share of it. The purge runs every
minute as it will run a day later, so that what expires leaves within the run.

    python benchmarks/soak.py --hours 2 --database sqlite
"""

import argparse
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx2

from benchmarks.sampling import Record, Sample, percentile, storage, usage
from benchmarks.scratch import NoAnswer, Scratch, scratch
from provider.installation import open_installation
from provider.oauth.clients.clients import Client
from provider.ratelimits.counter import LimitCounter
from provider.work import unit_of_work
from provider.worker.jobs import purge
from tests.support.factories import make_client, make_user
from tests.support.people import sign_in
from tests.support.relying_party import RelyingParty, Tokens
from tests.support.services import services

REPOSITORY = Path(__file__).resolve().parents[1]
MIX = {
    "userinfo": 300,
    "introspect": 200,
    "refresh": 240,
    "authorize + code": 150,
    "client_credentials": 60,
    "revoke": 20,
    "account page": 20,
    "discovery": 8,
    "sign in": 2,
}
"""How often each operation happens in relation to the others."""
SCOPE = "openid profile email offline_access"
SETTINGS = {"SIGNET_REFRESH_IDLE_LIFETIME": "5m"}
"""So that rotated tokens expire within the run."""
AHEAD = timedelta(days=1)
"""How far ahead the clock of the purge is: codes and refresh tokens are kept a day after they expired."""


class Unexpected(Exception):
    """An answer that the operation does not have."""


@dataclass
class Lane:
    """One app and one of its users, who do one thing after the other."""

    rp: RelyingParty
    scratch: Scratch
    email: str
    random: Random
    timings: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """Operation -> when it was due and how long it took, in seconds."""
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.acts: dict[str, Callable[[], object]] = {
            "userinfo": lambda: _ok(self.rp.userinfo(self.tokens)),
            "introspect": lambda: _ok(self.rp.post("/oauth2/introspect", token=self.tokens.access_token)),
            "refresh": self.refresh,
            "authorize + code": self.code,
            "client_credentials": lambda: _ok(self.rp.client_credentials().response),
            "revoke": self.revoke,
            "account page": lambda: _ok(self.browser.client.get("/account", headers={"accept": "text/html"})),
            "discovery": lambda: _ok(self.rp.http.get("/.well-known/openid-configuration")),
            "sign in": self.sign_in,
        }
        self.browser = self.scratch.browser()
        self.sign_in()
        self.code()

    def code(self) -> None:
        asked = self.rp.ask(self.browser.client, scope=SCOPE)
        if "code" not in asked.parameters:
            raise Unexpected(f"no code: {asked.response.status_code} {asked.location}")
        self.tokens = _tokens(self.rp.redeem(asked))

    def refresh(self) -> None:
        self.tokens = _tokens(self.rp.refresh(self.tokens))

    def revoke(self) -> None:
        """Revoke the tokens, and get others."""
        _ok(self.rp.revoke(self.tokens.refresh_token))
        self.code()

    def sign_in(self) -> None:
        page = sign_in(self.browser, self.email)
        if page.path != "/account":
            raise Unexpected(f"no sign-in: {page}")

    def run(self, until: float, every: float | None) -> None:
        """Act until a moment of the monotonic clock: every so many seconds, or without pauses.

        An operation that begins late because the one before took long is timed from when it was due.
        """
        names, weights = list(MIX), list(MIX.values())
        due = time.monotonic() + (self.random.random() * every if every else 0)
        while due < until:
            time.sleep(max(0.0, due - time.monotonic()))
            name = self.random.choices(names, weights)[0]
            try:
                self.acts[name]()
            except (NoAnswer, Unexpected, httpx2.HTTPError, AssertionError) as error:
                self.failures.append(f"{name}: {error!r}"[:300])
            now = time.monotonic()
            self.timings[name].append((due, now - due))
            due = now if every is None else due + every


def _ok(response: httpx2.Response) -> None:
    if response.status_code != 200:
        raise Unexpected(f"{response.status_code} {response.text[:200]}")


def _tokens(tokens: Tokens) -> Tokens:
    _ok(tokens.response)
    return tokens


def make_lanes(there: Scratch, count: int, seed: int) -> list[Lane]:
    with unit_of_work(there.installation) as work:
        app: tuple[Client, str | None] = make_client(
            work,
            first_party=True,
            scope=SCOPE,
            grant_types=("authorization_code", "refresh_token", "client_credentials"),
        )
        emails = [f"user{number}@example.test" for number in range(count)]
        for email in emails:
            make_user(work, email)
    random = Random(seed)
    return [
        Lane(RelyingParty(there.client(), *app, issuer=there.origin), there, email, Random(random.random()))
        for email in emails
    ]


def load(lanes: list[Lane], seconds: float, rate: float | None = None) -> list[threading.Thread]:
    """Start the lanes for so long, together at `rate` operations a second or without pauses."""
    until = time.monotonic() + seconds
    every = None if rate is None else len(lanes) / rate
    threads = [threading.Thread(target=lane.run, args=(until, every)) for lane in lanes]
    for thread in threads:
        thread.start()
    return threads


def measure_maximum(lanes: list[Lane], seconds: float) -> float:
    """Return how many operations a second the lanes reach without pauses."""
    for thread in load(lanes, seconds):
        thread.join()
    done = sum(len(times) for lane in lanes for times in lane.timings.values())
    for lane in lanes:
        lane.timings.clear()
    return done / seconds


def soak(
    database: str,
    *,
    seconds: float,
    share: float = 0.6,
    interval: float = 60.0,
    lanes: int = 8,
    workers: int = 2,
    measure: float = 20.0,
    report: Callable[[Sample], None] = lambda _sample: None,
) -> Record:
    """Run the mix on `sqlite` or `postgresql`, and return what was measured."""
    with scratch(database, workers=workers, settings=SETTINGS) as there:
        there.start()
        playing = make_lanes(there, lanes, seed=1)
        most = measure_maximum(playing, measure)
        record = Record(database, seconds, min(seconds / 5, 1200.0), most, most * share)
        record.window = min(600.0, seconds / 4)
        began = time.monotonic()
        threads = load(playing, seconds, record.rate)
        seen: dict[tuple[int, str], int] = defaultdict(int)
        failed = 0
        while any(thread.is_alive() for thread in threads):
            time.sleep(min(interval, max(0.0, began + seconds - time.monotonic()) + 0.1))
            purge_ahead(there)
            fresh = sorted(took for lane in playing for name in MIX for took in _new(lane, name, seen))
            now_failed = sum(len(lane.failures) for lane in playing)
            sample = Sample(
                time.monotonic() - began,
                len(fresh),
                now_failed - failed,
                1000 * percentile(fresh, 0.5),
                1000 * percentile(fresh, 0.99),
                *usage(there.processes()),
                *storage(there),
            )
            failed = now_failed
            record.samples.append(sample)
            report(sample)
        for thread in threads:
            thread.join()
        _conclude(record, playing, began)
    return record


def purge_ahead(there: Scratch) -> None:
    """Delete what will have expired in a day, as the service does every hour."""
    ahead = open_installation(
        there.installation.settings, clock=lambda: datetime.now(UTC) + AHEAD, counter=LimitCounter()
    )
    purge(ahead)
    ahead.database.close()


def _new(lane: Lane, name: str, seen: dict[tuple[int, str], int]) -> list[float]:
    """Return how long the operations took that were not returned before."""
    key = (id(lane), name)
    done = lane.timings[name][seen[key] :]
    seen[key] += len(done)
    return [took for _, took in done]


def _conclude(record: Record, lanes: list[Lane], began: float) -> None:
    """Fill in what needs all timings."""
    everything: dict[str, list[tuple[float, float]]] = {
        name: [one for lane in lanes for one in lane.timings[name]] for name in MIX
    }
    for name, times in everything.items():
        took = sorted(took for _, took in times)
        record.by_operation[name] = (len(took), 1000 * percentile(took, 0.5), 1000 * percentile(took, 0.99))
    merged = [(due - began, took) for times in everything.values() for due, took in times]
    first = sorted(took for due, took in merged if record.warm_up <= due < record.warm_up + record.window)
    last = sorted(took for due, took in merged if due >= record.seconds - record.window)
    record.first_p99_ms, record.last_p99_ms = 1000 * percentile(first, 0.99), 1000 * percentile(last, 0.99)
    record.failures = [failure for lane in lanes for failure in lane.failures][:20]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--share", type=float, default=0.6, help="of the measured maximum")
    parser.add_argument("--interval", type=float, default=60.0, help="seconds between two samples")
    parser.add_argument("--lanes", type=int, default=8, help="users at the same time")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()

    def report(sample: Sample) -> None:
        line = f"{sample.at / 60:.1f} min: {sample.operations} operations, p99 {sample.p99_ms:.1f} ms"
        print(f"{line}, {sample.memory / 2**20:.1f} MiB", file=sys.stderr, flush=True)

    try:
        record = soak(
            options.database,
            seconds=options.hours * 3600,
            share=options.share,
            interval=options.interval,
            lanes=options.lanes,
            workers=options.workers,
            report=report,
        )
    finally:
        services.stop()
    folder = REPOSITORY / "build/soak"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{record.database}.json").write_text(json.dumps(record.as_json(), indent=2) + "\n")
    print(*record.table(), *(f"- {failure}" for failure in record.failures), sep="\n")
    raise SystemExit(0 if all(verdict.passed for verdict in record.verdicts()) else 1)


if __name__ == "__main__":
    main()
