"""Every GET route, the endpoints of the protocol and the listings of the command line, with a million people.

Makes scratch databases (SQLite in a folder, PostgreSQL in a cluster of its own), fills them, starts a real `signet
serve`, asks one request after the other, prints a table, and names what takes longer than LIMIT. All is deleted after.

    python benchmarks/at_size.py --people 1000000 --databases sqlite,postgresql
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2
from starlette.routing import Route

from benchmarks.filling import ADDRESS, BUSY, EVENT_NAMES, GRANT, IDENTITY, PROMISE, SESSION, USER, fill, id_of
from provider.config.environment import load_settings
from provider.crypto.passwords import hash_password
from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.keys import rotation
from provider.oauth.setting_up import create_keys_and_salt
from provider.ratelimits.counter import LimitCounter
from provider.routes import routes
from provider.webhooks import subscriptions
from provider.work import Installation, unit_of_work
from provider.worker.jobs import purge
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.relying_party import TWO_FACTORS, RelyingParty, sign_in_person
from tests.support.server_process import free_port, serving, signet
from tests.support.services import Services

LIMIT = 300
"""Milliseconds that the slowest of `TIMES` requests may take."""
SEARCH_LIMIT = 100
"""The same of a search."""
TIMES = 20
OPERATOR = "operator@example.test"
CALLBACK = "http://127.0.0.1:9/callback"
SCOPE = "openid profile email offline_access"
LISTS = (
    "/api/admin/users?limit=200",
    "/api/admin/users?email=user1@example.test",
    "/api/admin/users?issuer=https://accounts.example.test&subject=subject1",
    "/api/admin/clients?limit=200",
    "/api/admin/users?attribute=customer_number:c4711",
    "/api/admin/users?attribute=tier:gold&limit=200",
    "/api/admin/groups?limit=200",
    "/api/admin/groups/large/members?limit=200",
    "/scim/v2/Users?count=100",
    "/scim/v2/Users?filter=userName+eq+%22user777@example.test%22",
    "/scim/v2/Groups?count=100&excludedAttributes=members",
    f"/api/admin/audit?user={id_of(USER, BUSY)}",
    f"/api/admin/audit?name={EVENT_NAMES[0]}",
    "/api/admin/audit?name=account.deleted",
    "/api/admin/audit?since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z",
    "/api/admin/outbox?state=failed",
    "/api/admin/outbox?about=nobody",
    "/admin?range=24h",
    "/admin?range=30d",
    "/admin?range=12m",
    "/admin/users?q=user777",
    "/admin/users?q=family7",
    "/admin/users?q=g",
    "/admin/users?q=nobody+at+all",
    "/admin/users?q=xample",
    "/admin/users?q=ser777",
    "/admin/users?q=ven99+fam",
    "/admin/users?q=mily4999",
    "/admin/users?q=12345@ex",
    "/admin/users?q=42@example.test",
    "/admin/users?q=9999@example.test",
    "/admin/users?q=tesuser",
    "/admin/users?q=@example.test",
    "/admin/users?q=@nowhere.test",
    "/admin/users?q=@xampl",
    "/admin/clients?q=pp+4",
    f"/admin/audit?user={id_of(USER, BUSY)}",
    "/admin/audit?user=user2@example.test",
    f"/admin/audit?name={EVENT_NAMES[1]}",
    "/admin/audit?name=account.deleted",
    "/admin/audit?client=app",
    "/admin/outbox?state=failed",
    "/admin/outbox?about=nobody",
    "/admin/sessions?user=user1@example.test",
    "/admin/sessions?sort=signed_in",
    "/admin/sessions?sort=-signed_in",
    "/admin/sessions?sort=expires",
    "/admin/sessions?method=fed",
    "/admin/users?sort=email",
    "/admin/users?sort=-created",
    "/admin/users?sort=last_sign_in",
    "/admin/users?state=SUSPENDED",
    "/admin/users?state=INACTIVE",
    "/admin/users?two_factor=on",
    "/admin/users?two_factor=off",
    "/admin/users?role=staff",
    "/admin/users?role=customer",
    "/admin/users?app=app",
    "/admin/users?attribute=customer_number:c4711",
    "/admin/users?attribute=tier:gold",
    "/admin/users?attribute=tier:silver",
    "/admin/groups",
    "/admin/groups/group?name=large",
    f"/admin/users/{id_of(USER, BUSY)}/attributes",
    "/admin/users?signed_in=yes",
)
EXPORTS = {
    "/admin/users/export.csv": "created_from=2100-01-01",
    "/admin/sessions/export.csv": "user=user1@example.test",
    "/admin/outbox/export.csv": "about=nobody",
}
"""What narrows a file that would have everything: with a million users it takes minutes, and the sign-in is too old."""
COMMANDS = (
    ("key", "list"),
    ("user", "list"),
    ("user", "show", "user1@example.test"),
    ("session", "list", "--user", "user1@example.test"),
    ("client", "list"),
    ("audit",),
    ("audit", "--user", "user1@example.test"),
    ("audit", "--name", "account.*"),
    ("outbox", "list"),
    ("outbox", "list", "--about", "nobody"),
    ("explain", "e1"),
    ("check",),
)


@dataclass
class Figures:
    """What was measured: name -> milliseconds, and what the last answer was."""

    rows: list[tuple[str, str, str, float, float]] = field(default_factory=list)

    def measure(self, who: str, what: str, act: Callable[[], Any], times: int = TIMES) -> None:
        took, status = [], ""
        for _ in range(times):
            began = time.perf_counter()
            status = str(act())
            took.append((time.perf_counter() - began) * 1000)
        self.rows.append((what, who, status, statistics.median(took), max(took)))

    def table(self) -> Iterator[str]:
        yield "| what | who | answer | p50 ms | max ms | |"
        yield "|---|---|--:|--:|--:|---|"
        for what, who, status, middle, most in sorted(self.rows, key=lambda row: -row[4]):
            slow = most > (SEARCH_LIMIT if "q=" in what else LIMIT) and who not in {"hash", "command"}
            failed = status.startswith("5") or (what in LISTS and status != "200")
            note = "FAILED" if failed else "SLOW" if slow else ""
            yield f"| `{what}` | {who} | {status} | {middle:.1f} | {most:.1f} | {note} |"


@dataclass
class World:
    installation: Installation
    origin: str
    person: httpx2.Client
    operator: httpx2.Client
    stranger: httpx2.Client
    app: RelyingParty
    operator_id: str
    program: RelyingParty
    """A program for the admin API."""
    names: dict[str, str]
    """What stands in the paths of routes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--people", default="1000000", help="How many; with several numbers, only the hot paths are compared."
    )
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--audit-events", type=int, default=0, help="How many on PostgreSQL when sizes are compared.")
    parser.add_argument("--lists", action="store_true", help="only the lists and searches")
    options = parser.parse_args()
    sizes = [int(each) for each in options.people.split(",")]
    if len(sizes) > 1:
        from benchmarks import growth  # noqa: PLC0415  # it uses this module

        growth.compare(options.databases.split(","), sizes, events=options.audit_events)
        return
    with tempfile.TemporaryDirectory(prefix="signet-size-") as folder:
        for name in options.databases.split(","):
            with database(name, Path(folder)) as url:
                figures = run(url, sizes[0], only_lists=options.lists)
            print(f"\n## {name}, {sizes[0]:,} people\n", *figures.table(), sep="\n", flush=True)


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'signet.db'}"
        return
    services = Services()
    try:
        yield services.start_postgres().format(name="postgres")
    finally:
        services.stop()


def run(url: str, people: int, *, only_lists: bool = False) -> Figures:
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
    figures = Figures()
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
        clients = [make_client(work, client_name=f"App {n}", redirect_uris=(CALLBACK,)) for n in range(500)]
    began = time.monotonic()
    fill(
        installation,
        people=people,
        password_hash=hash_password(PASSWORD, cost=settings.bcrypt_cost),
        client_id=clients[0][0].client_id,
    )
    print(f"filled in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    figures.measure("purge", "purge, whole", lambda: sum(purge(installation).values()), times=1)
    figures.measure("purge", "purge, nothing to do", lambda: sum(purge(installation).values()), times=3)
    with serving(environ, port=port), world(installation, origin) as there:
        measure_pages(there, figures, only_lists=only_lists)
        if not only_lists:
            measure_protocol(there, figures)
    for command in () if only_lists else COMMANDS:
        figures.measure("command", f"signet {' '.join(command)}", partial(_exit_code, command, environ), times=1)
    installation.database.close()
    return figures


def _exit_code(command: Sequence[str], environ: Mapping[str, str]) -> int:
    return signet(*command, settings=environ).returncode


@contextmanager
def world(installation: Installation, origin: str, *, operator_address: str = OPERATOR) -> Iterator[World]:
    with unit_of_work(installation) as work:
        operator_id = make_user(work, operator_address, roles=("admin",))
        client, secret = make_client(work, redirect_uris=(CALLBACK,), scope=f"{SCOPE} account", first_party=True)
        service, service_secret = make_client(
            work, redirect_uris=(), grant_types=("client_credentials",), scope="admin:read admin:write scim"
        )
        webhook, _ = subscriptions.create(work, url="https://hooks.example.test/")
        kid = rotation.list_keys(work)[0].kid
    with (
        httpx2.Client(base_url=origin, timeout=120) as person,
        httpx2.Client(base_url=origin, timeout=120) as operator,
        httpx2.Client(base_url=origin, timeout=120) as stranger,
    ):
        sign_in_person(person, installation, id_of(USER, BUSY))
        program = RelyingParty(stranger, service, service_secret, issuer=origin)
        names = {
            "user_id": id_of(USER, BUSY),
            "session_id": id_of(SESSION, 1),
            "family_id": id_of(GRANT, 1),
            "identity_id": id_of(IDENTITY, 1),
            "promise_id": id_of(PROMISE, 100),
            "picture_id": id_of(ADDRESS, 1),
            "client_id": client.client_id,
            "webhook_id": str(getattr(webhook, "id", webhook)),
            "error_id": "e1",
            "kid": kid,
            "key": "none",
            "name": "signet.css",
            "format": "csv",
            "act": "delete",
        }
        app = RelyingParty(stranger, client, secret, issuer=origin)
        yield World(installation, origin, person, operator, stranger, app, operator_id, program, names)


def measure_pages(there: World, figures: Figures, *, only_lists: bool = False) -> None:
    """Every route that answers GET, as whom it is for and as nobody."""
    tokens = there.app.sign_in(there.person, scope=f"{SCOPE} account")
    account = {"authorization": f"Bearer {tokens.access_token}"}
    paths = dict.fromkeys(
        route.path
        for route in routes(there.installation.settings)
        if isinstance(route, Route) and "GET" in (route.methods or ())
    )
    for path in LISTS if only_lists else (*LISTS, *paths):
        url = name = path
        for parameter, value in there.names.items():
            url = url.replace(f"{{{parameter}:path}}", value).replace(f"{{{parameter}}}", value)
        if path.startswith("/admin/clients/") and "new" not in path:
            url += f"?client_id={there.names['client_id']}"
        if path in EXPORTS:
            url += f"?{EXPORTS[path]}"
        elif "export" in path and "/admin/" in path:  # a file of everything, written row by row: here, of a day
            url += f"?since={(there.installation.clock() - timedelta(days=1)):%Y-%m-%d}"
            url += "T00:00:00Z" if path.startswith("/api") else ""
        if path.startswith(("/api/admin", "/scim")):
            scope = "admin:read" if path.startswith("/api") else "scim"
            token = there.program.client_credentials(scope=scope).access_token
            figures.measure("program", name, _get(there.stranger, url, {"authorization": f"Bearer {token}"}))
        elif path.startswith("/api/account"):
            figures.measure("person", name, _get(there.stranger, url, account))
        elif path.startswith("/admin"):  # signed in again each time: on a busy machine, a run takes longer than that
            sign_in_person(there.operator, there.installation, there.operator_id, amr=TWO_FACTORS)
            figures.measure("operator", name, _get(there.operator, url))
        else:
            figures.measure("nobody", name, _get(there.stranger, url))
            figures.measure("person", name, _get(there.person, url))


def _get(http: httpx2.Client, url: str, headers: dict[str, str] | None = None) -> Callable[[], int]:
    return lambda: http.get(url, headers=headers).status_code


def measure_protocol(there: World, figures: Figures) -> None:
    app, settings = there.app, there.installation.settings
    tokens = app.sign_in(there.person, scope=SCOPE)
    held = [tokens]

    def refresh() -> int:
        held.append(app.refresh(held[-1]))
        return held[-1].status

    figures.measure("app", "authorize + code", lambda: app.sign_in(there.person, scope=SCOPE).status)
    figures.measure("app", "refresh_token", refresh)
    figures.measure("app", "introspect", lambda: app.is_active(held[-1].access_token))
    figures.measure("app", "userinfo with a token", lambda: app.userinfo(held[-1]).status_code)
    asked = app.request(scope=SCOPE)[0]
    figures.measure("app", "par", lambda: app.post("/oauth2/par", **asked).status_code)
    figures.measure("app", "revoke of nothing", lambda: app.revoke("x" * 43).status_code)
    figures.measure(
        "app",
        "a code nobody has",
        lambda: (
            app.post("/oauth2/token", grant_type="authorization_code", code="x" * 43, redirect_uri=CALLBACK).status_code
        ),
    )
    figures.measure(
        "app", "revoke", lambda: app.revoke(app.sign_in(there.person, scope=SCOPE).refresh_token).status_code, 5
    )
    addresses = iter(range(10, 10_000))

    def post(page: str, **fields: str) -> int:
        with httpx2.Client(base_url=there.origin, timeout=60) as http:
            html = http.get(page, headers={"accept": "text/html"}).text
            token = html.partition('name="csrf_token" value="')[2].partition('"')[0]
            headers = {"sec-fetch-site": "same-origin", "accept": "text/html"}
            return http.post(page, data={"csrf_token": token, **fields}, headers=headers).status_code

    cost = f"bcrypt {settings.bcrypt_cost}, two of them"
    figures.measure(
        "hash",
        f"sign in ({cost})",
        lambda: post("/login", username=f"user{next(addresses)}@example.test", password=PASSWORD),
        5,
    )
    figures.measure(
        "hash",
        f"wrong password ({cost})",
        lambda: post("/login", username=f"user{next(addresses)}@example.test", password="no"),
        5,
    )
    figures.measure(
        "hash",
        "sign up (bcrypt)",
        lambda: post("/signup", email=f"new{next(addresses)}@example.test", password=PASSWORD),
        5,
    )
    figures.measure(
        "nobody", "forgotten password", lambda: post("/forgot-password", email=f"user{next(addresses)}@example.test"), 5
    )


if __name__ == "__main__":
    main()
