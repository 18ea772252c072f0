"""What the hot paths cost with more and more people in the database: processor time and p99, beside the smallest size.

`at_size.py` runs this when it is given several sizes. It writes the table to the output and the chart to CHART.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from sqlalchemy import text

from benchmarks import audit_events
from benchmarks.at_size import CALLBACK, SCOPE, database
from benchmarks.filling import BUSY, USER, fill, id_of
from benchmarks.growth_chart import draw
from benchmarks.sampling import percentile
from provider.config.environment import load_settings
from provider.crypto.passwords import hash_password
from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.setting_up import create_keys_and_salt
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from provider.worker.jobs import purge
from tests.support.factories import PASSWORD, make_client
from tests.support.relying_party import INTROSPECT, RelyingParty, sign_in_person
from tests.support.server_process import free_port, serving

CHART = Path(__file__).parents[1] / "docs/assets/growth.svg"
WARM_UP, TIMES, ROUNDS = 50, 200, 3
"""Requests of each path before and in a round. Other programs only add to the figures, so the best round counts."""
LONGEST_START = 600
"""Seconds to wait for the jobs after a start, which something else may keep busy."""
TICK = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """One path at one size, in milliseconds. Processor time is of Signet, and of PostgreSQL's server processes."""

    cpu: float
    p99: float


Costs = dict[str, Cost]
"""Path -> cost."""


def compare(databases: list[str], sizes: list[int], *, events: int) -> None:
    """Measure each size on each database, print the tables, and draw the chart."""
    found: dict[str, dict[int, Costs]] = {}
    for name in databases:
        for people in sizes:
            with TemporaryDirectory(prefix="signet-size-") as folder, database(name, Path(folder)) as url:
                found.setdefault(name, {})[people] = measure(url, people, events=events if name == "postgresql" else 0)
        print(f"\n## {name}\n", *table(found[name]), sep="\n", flush=True)
    CHART.parent.mkdir(exist_ok=True)
    CHART.write_text(draw({name: _ratios(costs) for name, costs in found.items()}))


def table(by_size: dict[int, Costs]) -> Iterator[str]:
    """Yield the lines of a Markdown table. In brackets is the ratio to the smallest size."""
    smallest = by_size[min(by_size)]
    yield "| path | people | CPU ms | p99 ms |"
    yield "|---|--:|--:|--:|"
    for path, first in smallest.items():
        for people, costs in sorted(by_size.items()):
            cpu, p99 = costs[path].cpu, costs[path].p99
            yield f"| {path} | {people:,} | {cpu:.2f} ({cpu / first.cpu:.2f}) | {p99:.1f} ({p99 / first.p99:.2f}) |"


def _ratios(by_size: dict[int, Costs]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return measure -> path -> (people, ratio to the smallest size)."""
    smallest, sizes = by_size[min(by_size)], sorted(by_size)
    return {
        title: {
            path: [(size, getattr(by_size[size][path], what) / getattr(first, what)) for size in sizes]
            for path, first in smallest.items()
        }
        for title, what in (("Processor time", "cpu"), ("p99", "p99"))
    }


def measure(url: str, people: int, *, events: int = 0) -> Costs:
    """Fill a new database, start the service, and measure each hot path."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    environ = {
        "SIGNET_ISSUER": origin,
        "SIGNET_DATABASE_URL": url,
        "SIGNET_SECRET_KEY": "a secret key of 32 characters or more for this",
        "SIGNET_ENV": "test",
        "SIGNET_LOG_LEVEL": "error",
    }
    settings = load_settings(environ)
    migrate(settings)
    installation = open_installation(settings, counter=LimitCounter())
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
        client, secret = make_client(work, redirect_uris=(CALLBACK,), scope=SCOPE, first_party=True)
        service, service_secret = make_client(
            work, redirect_uris=(), grant_types=("client_credentials",), scope="admin:read"
        )
    began = time.monotonic()
    hashed = hash_password(PASSWORD, cost=settings.bcrypt_cost)
    fill(installation, people=people, password_hash=hashed, client_id=client.client_id)
    if events > 2 * people:
        audit_events.add(installation, events=events, people=people, clients=[client.client_id])
    purge(installation)
    print(f"{people:,} people filled in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    with (
        serving(environ, port=port, forked=False) as server,
        httpx2.Client(base_url=origin, timeout=120) as person,
        httpx2.Client(base_url=origin, timeout=120) as programs,
    ):
        sign_in_person(person, installation, id_of(USER, BUSY))
        app = RelyingParty(programs, client, secret, issuer=origin)
        program = RelyingParty(programs, service, service_secret, issuer=origin)
        pids = lambda: [*tree(server.process.pid), *backends(installation)]  # noqa: E731
        wait_until_idle(pids)
        costs = {path: _cost(act, pids) for path, act in paths(app, program, person).items()}
    installation.database.close()
    return costs


def paths(app: RelyingParty, program: RelyingParty, person: httpx2.Client) -> dict[str, Callable[[], object]]:
    held = [app.sign_in(person, scope=SCOPE)]

    def refresh() -> None:
        held.append(app.refresh(held[-1]))
        expect(held[-1].response)

    def ask_and_redeem() -> None:
        answer = app.ask(person, scope=SCOPE)
        expect(answer.response, has=answer.code)
        expect(app.redeem(answer).response)

    def introspect() -> None:
        response = app.post(INTROSPECT, token=held[-1].access_token)
        expect(response, has=response.json()["active"])

    return {
        "client_credentials": lambda: expect(program.client_credentials(scope="admin:read").response),
        "refresh_token": refresh,
        "authorize + code": ask_and_redeem,
        "userinfo": lambda: expect(app.userinfo(held[-1])),
        "introspect": introspect,
    }


def expect(response: httpx2.Response, *, has: object = True) -> None:
    """Raise RuntimeError with what came, unless it succeeded and `has` what was asked for."""
    if response.is_error or not has:
        raise RuntimeError(f"a request was answered with {response.status_code}: {response.text}")


def _cost(act: Callable[[], object], pids: Callable[[], list[int]]) -> Cost:
    for _ in range(WARM_UP):
        act()
    rounds = []
    for _ in range(ROUNDS):
        used, took = ticks(pids()), []
        for _ in range(TIMES):
            began = time.perf_counter()
            act()
            took.append((time.perf_counter() - began) * 1000)
        rounds.append(Cost((ticks(pids()) - used) * TICK / TIMES, percentile(sorted(took), 0.99)))
    return Cost(min(each.cpu for each in rounds), min(each.p99 for each in rounds))


def wait_until_idle(pids: Callable[[], list[int]], *, seconds: int = LONGEST_START) -> None:
    """The jobs after a start, such as counting users, are no part of a request."""
    used = -1
    for _ in range(seconds // 3):
        if (now := ticks(pids())) - used <= 1:
            return
        used = now
        time.sleep(3)


def tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in tree(int(child)))]


def backends(installation: Installation) -> list[int]:
    if installation.database.is_sqlite:
        return []
    with installation.database.connect() as db:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'signet' AND datname = current_database()"
        query += " AND pid <> pg_backend_pid()"
        return list(db.scalars(text(query)))


def ticks(pids: list[int]) -> int:
    """Return the processor time of these processes so far, in ticks of the kernel."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(each[11]) + int(each[12]) for each in fields)
