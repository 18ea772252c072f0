"""The hot paths, the lists of the audit log and the care of its partitions, with few and with many audit events.

Both databases are in one PostgreSQL with a service each, and what is measured alternates between them.

    python benchmarks/audit_at_size.py --events 100000,50000000 --folder /var/tmp

Fifty million need 30 GB in the folder and about an hour. `--url` measures databases that are there already.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2
import psycopg
from sqlalchemy import text

from benchmarks import audit_events, growth
from benchmarks.at_size import CALLBACK, SCOPE, World, world
from benchmarks.audit_events import RARE
from benchmarks.filling import BUSY, SESSION, USER, fill, id_of
from benchmarks.growth_chart import draw
from benchmarks.sampling import percentile
from provider.audit.store import audit_events as events_table
from provider.config.environment import load_settings
from provider.crypto.passwords import hash_password
from provider.database import partitions
from provider.database.base import new_id
from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.setting_up import create_keys_and_salt
from provider.ratelimits.counter import LimitCounter
from provider.webhooks import subscriptions
from provider.work import Installation, unit_of_work
from provider.worker.jobs import purge
from tests.support.factories import PASSWORD, make_client
from tests.support.relying_party import TWO_FACTORS, RelyingParty, sign_in_person
from tests.support.server_process import free_port, serving

PEOPLE, CLIENTS = 100_000, 50
TIMES = 7
"""Requests for each page."""
ROUNDS, REQUESTS = 12, 30
"""Rounds of each hot path, after one to warm up, and the requests of a round."""
MANAGED = "postgres.sh"
CHART = growth.CHART.with_name("growth-of-events.svg")
DAYS_AGO = 100


@dataclass
class Side:
    """One database with its service."""

    events: int
    there: World
    hot: dict[str, Callable[[], object]]
    pids: Callable[[], list[int]]


@dataclass
class Measured:
    """Milliseconds of one path on one side: the median, the 99th percentile (or slowest), and processor time."""

    middle: float
    most: float
    cpu: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", default="100000,50000000")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--url", help="of the cluster, with {name}, which is `events_NUMBER`")
    parser.add_argument("--only", default="hot,pages,care")
    parser.add_argument("--pages", default="", help="only pages whose name has this")
    options = parser.parse_args()
    sizes = [int(each) for each in options.events.split(",")]
    with ExitStack() as stack:
        url = options.url or stack.enter_context(cluster(options.folder))
        urls = [url.format(name=f"events_{size}") for size in sizes]
        if options.url is None:
            for each, size in zip(urls, sizes, strict=True):
                fill_database(url.format(name="postgres"), each, size)
        sides = [stack.enter_context(side(each, size)) for each, size in zip(urls, sizes, strict=True)]
        parts: dict[str, Callable[[list[Side]], Iterator[str]]] = {
            "hot": measure_hot_paths,
            "pages": partial(measure_pages, named=options.pages),
            "care": measure_care,
        }
        for part in options.only.split(","):
            for line in parts[part](sides):
                print(line, flush=True)


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """A PostgreSQL that keeps what it commits, with the settings it comes with. It is deleted in the end."""
    program, port = str(Path(__file__).with_name(MANAGED)), free_port()
    with tempfile.TemporaryDirectory(prefix="signet-events-", dir=folder) as home:
        Path(home).chmod(0o755)
        data = f"{home}/pg"
        subprocess.run(["sh", program, "init", data], check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen(["nice", "-n", "10", "sh", program, "run", data, str(port), "-c", "max_wal_size=8GB"])
        url = f"postgresql+psycopg://bench@127.0.0.1:{port}/{{name}}"
        try:
            while True:
                with contextlib.suppress(psycopg.OperationalError):
                    psycopg.connect(host="127.0.0.1", port=port, user="bench", dbname="postgres").close()
                    break
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            server.wait(600)


def settings_for(url: str, port: int) -> dict[str, str]:
    return {
        "SIGNET_ISSUER": f"http://127.0.0.1:{port}",
        "SIGNET_DATABASE_URL": url,
        "SIGNET_SECRET_KEY": "a secret key of 32 characters or more for this",
        "SIGNET_ENV": "test",
        "SIGNET_LOG_LEVEL": "error",
        "SIGNET_DATABASE_TIMEOUT": "30",
    }


def fill_database(cluster_url: str, url: str, events: int) -> None:
    with psycopg.connect(cluster_url.replace("+psycopg", ""), autocommit=True) as operator:
        operator.execute(f"CREATE DATABASE events_{events}".encode())
    settings = load_settings(settings_for(url, 1))
    migrate(settings)
    installation = open_installation(settings, counter=LimitCounter())
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
        clients = [make_client(work, client_name=f"App {n}", redirect_uris=(CALLBACK,))[0] for n in range(CLIENTS)]
    names = [client.client_id for client in clients]
    hashed = hash_password(PASSWORD, cost=settings.bcrypt_cost)
    fill(installation, people=PEOPLE, password_hash=hashed, client_id=names[0])
    audit_events.add(installation, events=events, people=PEOPLE, clients=names)
    installation.database.close()


@contextmanager
def side(url: str, events: int) -> Iterator[Side]:
    port = free_port()
    environ = settings_for(url, port)
    installation = open_installation(load_settings(environ), counter=LimitCounter())
    origin = environ["SIGNET_ISSUER"]
    operator = f"{new_id()}@example.test"  # several runs may use the same database
    with (
        serving(environ, port=port, forked=False) as server,
        world(installation, origin, operator_address=operator) as there,
    ):
        with unit_of_work(installation) as work:
            client, secret = make_client(work, redirect_uris=(CALLBACK,), scope=SCOPE, first_party=True)
        app = RelyingParty(there.stranger, client, secret, issuer=origin)
        hot = growth.paths(app, there.program, there.person)
        pids = lambda: [*growth.tree(server.process.pid), *growth.backends(installation)]  # noqa: E731
        growth.wait_until_idle(pids, seconds=30)
        yield Side(events, there, hot, pids)
    installation.database.close()


def measure_hot_paths(sides: list[Side]) -> Iterator[str]:
    """Short rounds of each path in turn on each side, so others add to both. Processor time is the mean of all."""
    yield "\n| path | " + " | ".join(f"{each.events:,}: CPU ms | p50 | slowest" for each in sides) + " | CPU ratio |"
    yield "|---|" + "--:|" * (3 * len(sides) + 1)
    chart: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for path in sides[0].hot:
        rounds: list[list[Measured]] = [[] for _ in sides]
        for number in range(ROUNDS + 1):
            for found, each in zip(rounds, sides, strict=True):
                measured = _round(each.hot[path], each.pids)
                if number:
                    found.append(measured)
        typical = [
            Measured(
                statistics.median(one.middle for one in found),
                statistics.median(one.most for one in found),
                statistics.mean(one.cpu for one in found),
            )
            for found in rounds
        ]
        cells = " | ".join(f"{one.cpu:.2f} | {one.middle:.1f} | {one.most:.1f}" for one in typical)
        yield f"| {path} | {cells} | {typical[-1].cpu / typical[0].cpu:.2f} |"
        for title, what in (("Processor time", "cpu"), ("Median", "middle")):
            ratios = [getattr(one, what) / getattr(typical[0], what) for one in typical]
            chart.setdefault(title, {})[path] = list(zip((each.events for each in sides), ratios, strict=True))
    CHART.write_text(draw({"postgresql": chart}, of="audit events"))


def _round(act: Callable[[], object], pids: Callable[[], list[int]]) -> Measured:
    used, took = growth.ticks(pids()), []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    cpu = (growth.ticks(pids()) - used) * growth.TICK / REQUESTS
    return Measured(statistics.median(took), percentile(sorted(took), 0.99), cpu)


def measure_pages(sides: list[Side], *, named: str = "") -> Iterator[str]:
    requests = [_requests(each.there) for each in sides]
    yield "\n| page | " + " | ".join(f"{each.events:,}: p50 ms | max" for each in sides) + " | |"
    yield "|---|" + "--:|" * (2 * len(sides)) + "---|"
    for path in [each for each in requests[0] if named in each]:
        took: list[list[float]] = [[] for _ in sides]
        for number in range(TIMES + 1):
            for each, found, acts in zip(sides, took, requests, strict=True):
                sign_in_person(each.there.operator, each.there.installation, each.there.operator_id, amr=TWO_FACTORS)
                began = time.perf_counter()
                acts[path]()
                if number:
                    found.append((time.perf_counter() - began) * 1000)
        cells = " | ".join(f"{statistics.median(each):.0f} | {max(each):.0f}" for each in took)
        yield f"| `{path}` | {cells} | {'SLOW' if statistics.median(took[-1]) > 300 else ''} |"


def _requests(there: World) -> dict[str, Callable[[], object]]:
    """Return what is asked, by what the table calls it."""
    by_events = _by_events(there.installation)
    much, little = quote(by_events[0]), quote(by_events[-1])
    busy, other = id_of(USER, BUSY), id_of(USER, PEOPLE - 7)
    day = there.installation.clock() - timedelta(days=DAYS_AGO)
    one_day = f"since={day:%Y-%m-%d}&until={day:%Y-%m-%d}"
    asked = {
        "/admin/audit": "",
        "the last day": "range=24h",
        "a day long ago": one_day,
        "a user with many": f"user={busy}",
        "a user with few": f"user={other}",
        "an operator": f"operator={id_of(USER, 5)}",
        "an operator without any": f"operator={id_of(USER, 55)}",
        "an app with many": f"client={much}",
        "an app with few": f"client={little}",
        "a network": "network=10.7.7.0/24",
        "a network without any": "network=192.0.2.9",
        "a frequent kind": "name=session.signed_in",
        "a rare kind": f"name={RARE}",
        "a kind without any": "name=account.terms.accepted",
        "an area with many": "area.session=on",
        "an area of many kinds": "area.account=on",
        "an area without any": "area.role=on",
        "several areas": "area.account=on&area.session=on&area.consent=on&area.token=on&area.client=on",
        "a user and a frequent kind": f"user={busy}&name=session.signed_in",
        "a user and a rare kind": f"user={busy}&name={RARE}",
        "a user and a kind without any": f"user={busy}&name=account.terms.accepted",
        "an app and a rare kind": f"client={much}&name={RARE}",
        "an app and a kind without any": f"client={much}&name=account.terms.accepted",
        "an app and an area without any": f"client={much}&area.role=on",
        "an app and a user": f"client={much}&user={busy}",
        "a network and an app": f"client={much}&network=10.7.7.0/24",
        "a network and a rare kind": f"network=10.7.7.0/24&name={RARE}",
        "an operator and a rare kind": f"operator={id_of(USER, 0)}&name={RARE}",
    }
    get = there.operator.get
    acts: dict[str, Callable[[], object]] = {
        name: partial(_expect, get, f"/admin/audit?{query}") for name, query in asked.items()
    }
    acts["new events"] = partial(
        _expect, get, f"/admin/audit/new?than={quote(there.installation.clock().isoformat())}~{busy}"
    )
    for path in (
        "/admin?range=24h",
        "/admin?range=30d",
        "/admin?range=12m",
        f"/admin/users/{busy}",
        f"/admin/users/{busy}/activity",
        f"/admin/users/{busy}/security",
        f"/admin/clients/client?client_id={much}",
    ):
        acts[path] = partial(_expect, get, path)
    for path in ("/account/activity", "/account/activity?kind=apps", "/account/activity?kind=account"):
        acts[path] = partial(_expect, there.person.get, path)
    admin = _token(there)
    acts["/api/admin/audit?limit=200"] = partial(
        _expect, there.stranger.get, "/api/admin/audit?limit=200", headers=admin
    )
    acts["inspect a session"] = partial(
        _expect, there.stranger.post, "/api/admin/inspections", headers=admin, json={"value": id_of(SESSION, 1)}
    )
    return acts


def _by_events(installation: Installation) -> list[str]:
    """The apps with some of the latest events, those with the most first."""
    latest = "SELECT client_id FROM audit_events WHERE client_id IS NOT NULL ORDER BY at DESC LIMIT 20000"
    query = f"SELECT client_id FROM ({latest}) AS latest GROUP BY 1 HAVING count(*) > 20 ORDER BY count(*) DESC"
    with installation.database.connect() as db:
        return list(db.scalars(text(query)))


def _token(there: World) -> dict[str, str]:
    token = there.program.client_credentials(scope="admin:read admin:write").access_token
    return {"authorization": f"Bearer {token}"}


def _expect(act: Callable[..., httpx2.Response], path: str, **options: object) -> None:
    try:
        growth.expect(act(path, **options))
    except RuntimeError as error:
        raise RuntimeError(path) from error


def measure_care(sides: list[Side]) -> Iterator[str]:
    """The purge and the partitions, while another connection writes events all the time."""
    yield "\n| what | events | took ms | slowest write meanwhile, ms |"
    yield "|---|--:|--:|--:|"
    for each in sides:
        there = each.there.installation
        with there.database.connect() as db:
            oldest, *_, latest = partitions.find(db, audit_events.TABLE)
        yield _cared("nothing", each, partial(time.sleep, 5))
        yield _cared("a replay of an hour", each, partial(_replay, each.there))
        yield _cared("a purge", each, partial(purge, there))
        yield _cared(
            "the next partition",
            each,
            partial(_in_transaction, there, partial(partitions.create, time=events_table.c.at, month=latest.end)),
        )
        dropping = partial(partitions.drop, time=events_table.c.at, partition=oldest)
        yield _cared(f"dropping {oldest.name}", each, partial(_in_transaction, there, dropping))


class _UndoneError(Exception):
    """Ends a transaction whose changes nothing else here should see."""


def _replay(there: World) -> None:
    """Queue the events of an hour, and undo it: deliveries would be a load for what is measured next."""
    with contextlib.suppress(_UndoneError), unit_of_work(there.installation) as work:
        subscriptions.replay(work, there.names["webhook_id"], since=work.now - timedelta(hours=1))
        raise _UndoneError


def _in_transaction(installation: Installation, act: Callable[..., bool]) -> None:
    with unit_of_work(installation) as work:
        if not act(work.db):
            raise RuntimeError("nothing was done")


def _cared(what: str, side: Side, act: Callable[[], object]) -> str:
    stopped, slowest = threading.Event(), [0.0]
    url = side.there.installation.database.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")

    def write() -> None:
        with psycopg.connect(url, autocommit=True) as db:
            while not stopped.is_set():
                began = time.perf_counter()
                db.execute(
                    "INSERT INTO audit_events (id, at, name, network, user_agent, request_id, details)"
                    " VALUES (gen_random_uuid(), now(), 'session.signed_in', '', '', '', '{}')"
                )
                slowest[0] = max(slowest[0], time.perf_counter() - began)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.5)
    began = time.perf_counter()
    act()
    took = time.perf_counter() - began
    stopped.set()
    writer.join()
    return f"| {what} | {side.events:,} | {took * 1000:.0f} | {slowest[0] * 1000:.0f} |"


if __name__ == "__main__":
    os.environ.setdefault("PGTZ", "UTC")
    main()
