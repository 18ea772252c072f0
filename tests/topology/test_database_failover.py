"""The primary is killed, frozen and cut off under load, and clients write down what they were told (F-1, F-9, R-1).

No answer is wrong: during the fail-over there are answers with status 503, and afterwards everything that was
acknowledged holds and nothing revoked works. Nobody restarts Signet.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.setting_up import create_keys_and_salt
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.races.conftest import refreshing, revoking
from tests.races.servers import Server, Servers
from tests.races.starting_line import Outcome, Post
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import settings_for
from tests.support.relying_party import INTROSPECT, RelyingParty, sign_in_person
from tests.support.server_process import free_port
from tests.support.waiting import PATIENCE, wait_until
from tests.topology.clusters import Cluster, Node, Patroni, Streaming, running

pytestmark = [pytest.mark.slow, pytest.mark.nightly, pytest.mark.race]

OFFLINE = "openid offline_access"
UNANSWERED = {0, 503}
"""Statuses of an outage; 0: no whole answer."""


@dataclass
class World:
    """Two processes of Signet on a cluster, and one app."""

    cluster: Cluster
    servers: Servers
    installation: Installation
    rp: RelyingParty
    browser: httpx2.Client

    def post(self, turn: int, path: str, **form: str) -> Outcome:
        return Post(self.servers.all[turn % 2], path, form, self.rp.authentication()[0]).now()

    def is_active(self, turn: int, token: str) -> bool | None:
        """None: there was no answer."""
        outcome = self.post(turn, INTROSPECT, token=token)
        assert outcome.status in {200} | UNANSWERED, outcome
        return outcome.body["active"] if outcome.status == 200 else None


@dataclass
class Client:
    """Somebody who acts again and again, and writes down what they were told."""

    world: World
    number: int
    answered: list[float] = field(default_factory=list)
    """When there was an answer that was no outage."""
    wrong: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        turn = self.number
        while not stop.wait(0.01):
            turn += 1
            try:
                if self.act(turn):
                    self.answered.append(time.monotonic())
            except (AssertionError, KeyError) as error:
                self.wrong.append(f"{type(self).__name__}: {error!r}"[:500])
                return

    def act(self, turn: int) -> bool:
        """Do one operation; return whether it was answered. Raises AssertionError after a wrong answer."""
        raise NotImplementedError


@dataclass
class Refresher(Client):
    """An app that presents its newest refresh token until it hears of the next one."""

    refresh_token: str = ""
    access_token: str = ""

    def act(self, turn: int) -> bool:
        outcome = refreshing(self.world.rp, self.world.servers.all[turn % 2], self.refresh_token).now()
        assert outcome.status in {200} | UNANSWERED, f"the newest refresh token was refused: {outcome}"
        if outcome.status == 200:
            self.refresh_token, self.access_token = outcome.body["refresh_token"], outcome.body["access_token"]
            assert self.world.is_active(turn + 1, self.access_token) is not False, "a new access token is not active"
        return outcome.status == 200


@dataclass
class Revoker(Client):
    """An app that revokes what it was given, and looks whether that lasts."""

    left: list[tuple[str, str]] = field(default_factory=list)
    """Refresh and access tokens that are not revoked yet."""
    revoked: list[tuple[str, str]] = field(default_factory=list)

    def act(self, turn: int) -> bool:
        if self.left:
            outcome = revoking(self.world.rp, self.world.servers.all[turn % 2], self.left[-1][0]).now()
            assert outcome.status in {200} | UNANSWERED, f"a revocation was refused: {outcome}"
            if outcome.status != 200:
                return False
            self.revoked.append(self.left.pop())
        for refresh_token, access_token in self.revoked[-1:] + self.revoked[turn % max(1, len(self.revoked)) :][:1]:
            self.stays_revoked(turn, refresh_token, access_token)
        return True

    def stays_revoked(self, turn: int, refresh_token: str, access_token: str) -> None:
        assert not self.world.is_active(turn + 1, access_token), "REVIVED: a revoked access token is active"
        outcome = refreshing(self.world.rp, self.world.servers.all[turn % 2], refresh_token).now()
        assert outcome.status in UNANSWERED or outcome.error == "invalid_grant", f"REVIVED: {outcome}"


@dataclass
class Visitor(Client):
    """A user who signs in with a password in a new browser, and stays signed in."""

    email: str = ""
    browsers: list[Browser] = field(default_factory=list)

    def act(self, turn: int) -> bool:
        browser = NetworkBrowser(self.world.installation.settings.issuer)
        try:
            page = browser.open("/login")
            if page.status == 200:
                page = browser.submit({"username": self.email, "password": PASSWORD})
        except httpx2.HTTPError:
            browser.client.close()
            return False
        if page.status in UNANSWERED:
            browser.client.close()
            return False
        assert (page.status, page.path) == (200, "/account"), f"a correct password was refused: {page}"
        self.browsers.append(browser)
        return True


class NetworkBrowser(Browser):
    """Like `Browser`, over the network."""

    def __init__(self, issuer: str) -> None:
        self.client: Any = httpx2.Client(base_url=issuer, timeout=PATIENCE)
        self.issuer = issuer
        self.page, self.left_to, self.history = None, None, []


@contextmanager
def world(kind: type[Cluster], folder: Path) -> Iterator[World]:
    with ExitStack() as stack:
        cluster = stack.enter_context(running(kind))
        port = free_port()
        # An app that repeats its refresh after the fail-over must get the same answer: see docs/operate/scale.md.
        settings = settings_for(
            cluster.url, issuer=f"http://127.0.0.1:{port}", database_timeout=2, refresh_grace=PATIENCE
        )
        migrate(settings)
        installation = open_installation(settings, clock=lambda: datetime.now(UTC), counter=LimitCounter())
        stack.callback(installation.database.close)
        with unit_of_work(installation) as work:
            create_keys_and_salt(work)
            user_id = make_user(work)
            client, secret = make_client(work, first_party=True)
        cheap = {"SIGNET_BCRYPT_COST": "4"}
        servers = Servers([Server(settings, each, folder / f"{each}.log", cheap) for each in (port, free_port())])
        stack.callback(servers.stop)
        servers.start()
        browser, http = (
            stack.enter_context(httpx2.Client(base_url=settings.issuer, timeout=PATIENCE)) for _ in range(2)
        )
        sign_in_person(browser, installation, user_id)
        yield World(cluster, servers, installation, RelyingParty(http, client, secret, issuer=settings.issuer), browser)


def _clients(world: World) -> tuple[list[Refresher], list[Revoker], list[Visitor]]:
    def tokens() -> tuple[str, str]:
        found = world.rp.sign_in(world.browser, scope=OFFLINE)
        return found.refresh_token, found.access_token

    with unit_of_work(world.installation) as work:
        emails = [f"visitor{number}@example.test" for number in range(2)]
        for email in emails:
            make_user(work, email)
    return (
        [Refresher(world, number, refresh_token=tokens()[0]) for number in range(3)],
        [Revoker(world, number, left=[tokens() for _ in range(60)]) for number in range(2)],
        [Visitor(world, number, email=email) for number, email in enumerate(emails)],
    )


def _kill(_world: World, primary: Node) -> None:
    primary.kill()


def _freeze(_world: World, primary: Node) -> None:
    primary.signal(signal.SIGSTOP)


def _cut_off(world: World, primary: Node) -> None:
    world.cluster.cut_off(primary)


WAYS: dict[str, Callable[[World, Node], None]] = {"killed": _kill, "frozen": _freeze, "cut off": _cut_off}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(Streaming, id="streaming replication"), pytest.param(Patroni, id="Patroni", marks=pytest.mark.load)],
)
def test_after_a_fail_over_everything_acknowledged_holds(kind: type[Cluster], tmp_path: Path) -> None:
    with world(kind, tmp_path) as there:
        refreshers, revokers, visitors = _clients(there)
        everybody: list[Client] = [*refreshers, *revokers, *visitors]
        stop = threading.Event()
        threads = [threading.Thread(target=client.run, args=(stop,)) for client in everybody]
        for thread in threads:
            thread.start()
        try:
            for how, harm in WAYS.items():
                _fail_over(there, everybody, how, harm)
        finally:
            stop.set()
            for thread in threads:
                thread.join(PATIENCE)
        assert [client.wrong for client in everybody] == [[]] * len(everybody)
        for refresher in refreshers:
            assert refreshing(there.rp, there.servers.all[0], refresher.refresh_token).now().status == 200
            assert there.is_active(1, refresher.access_token)
        for revoker in revokers:
            assert len(revoker.revoked) > len(WAYS)
            for refresh_token, access_token in revoker.revoked:
                revoker.stays_revoked(0, refresh_token, access_token)
        for visitor in visitors:
            assert len(visitor.browsers) > len(WAYS)
            assert {browser.open("/account").path for browser in visitor.browsers} == {"/account"}
            for browser in visitor.browsers:
                browser.client.close()
        assert [line for line in there.servers.logs().splitlines() if '"event": "crash"' in line] == []


def _fail_over(there: World, everybody: list[Client], how: str, harm: Callable[[World, Node], None]) -> None:
    """Lose the primary, wait until all clients are answered again, and bring the old primary back as a standby."""

    def all_answered(after: float) -> bool:
        return all(client.wrong or (client.answered and client.answered[-1] > after) for client in everybody)

    begin, primary = time.monotonic(), there.cluster.primary
    wait_until(lambda: all_answered(begin), what="the load does not start")
    lost_at = time.monotonic()
    harm(there, primary)
    there.cluster.promote(primary)
    promoted_at = time.monotonic()
    wait_until(lambda: all_answered(promoted_at), what=f"no answers after the primary was {how}")
    answered_at = time.monotonic()
    if how == "frozen":
        primary.signal(signal.SIGCONT)  # it wakes up and takes itself for the primary
        time.sleep(1)
    there.cluster.rejoin(primary)
    print(
        f"{type(there.cluster).__name__}, {how}: {promoted_at - lost_at:.1f} s until a standby was promoted, "
        f"{answered_at - promoted_at:.1f} s more until every client was answered"
    )
