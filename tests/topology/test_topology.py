"""The whole installation behind nginx: a person's way through it, a rolling restart, keys that rotate, a suspension."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from provider.installation import open_installation
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth.keys.store import State, signing_keys
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import settings_for
from tests.support.people import sign_in, sign_up
from tests.support.relying_party import TOKEN, USERINFO, RelyingParty
from tests.support.waiting import PATIENCE, wait_until
from tests.topology.conftest import Topology

pytestmark = [pytest.mark.slow, pytest.mark.race]

JWKS = "/oauth2/jwks"
OFFLINE = "openid email offline_access"
WAY_BACK = "https://app.example.test/bye"
LOADS = 3


@pytest.fixture
def installation(topology: Topology) -> Iterator[Installation]:
    """Beside the nodes, with the real clock like theirs: for setting up, and for looking at what is stored."""
    settings = settings_for(topology.settings["SIGNET_DATABASE_URL"], issuer=topology.issuer)
    installation = open_installation(settings, clock=lambda: datetime.now(UTC), counter=LimitCounter())
    yield installation
    installation.database.close()


@pytest.fixture
def rp(topology: Topology, installation: Installation) -> RelyingParty:
    with unit_of_work(installation) as work:
        client, secret = make_client(work, first_party=True, post_logout_redirect_uris=(WAY_BACK,))
    return RelyingParty(topology.http(), client, secret, issuer=topology.issuer)


def signed_in(topology: Topology, installation: Installation, email: str) -> Browser:
    with unit_of_work(installation) as work:
        make_user(work, email)
    browser = topology.browser()
    assert sign_in(browser, email).path == "/account"
    return browser


def test_http_is_redirected_to_https(topology: Topology) -> None:
    answer = httpx2.get(f"http://127.0.0.1:{topology.http_port}/account?tab=1", headers={"host": "localhost"})
    assert (answer.status_code, answer.headers["location"]) == (301, "https://localhost/account?tab=1")


def test_a_person_signs_up_by_the_workers_letter_signs_in_at_an_app_and_out_again(
    topology: Topology, rp: RelyingParty
) -> None:
    browser = topology.browser()
    sign_up(browser, "grace@example.test")
    wait_until(lambda: topology.letters.emails)
    letter = topology.letters.emails[-1].get_body(("plain",))
    assert letter is not None
    link = re.search(rf"{topology.issuer}/verify-email/confirm\?\S+", letter.get_content())
    assert link, letter
    browser.open(link[0])
    browser.submit(button="Confirm")
    assert sign_in(browser, "grace@example.test", password=PASSWORD).path == "/account"
    assert browser.open("/account/sessions").text.count("127.0.0.1") == 1  # as nginx says, who saw the browser
    tokens = rp.sign_in(browser.client, scope=OFFLINE)
    assert rp.userinfo(tokens).json()["email"] == "grace@example.test"
    refreshed = rp.refresh(tokens)
    rp.verify(refreshed, refreshed=True)
    assert rp.log_out(browser.client, refreshed).headers["location"].startswith(WAY_BACK)
    assert browser.open("/account").path == "/login"


@dataclass
class Load:
    """An app that refreshes, asks who it is and verifies, over and over."""

    rp: RelyingParty
    http: httpx2.Client
    refresh_token: str
    known: KeySet
    kids: set[str] = field(default_factory=set)
    asked: int = 0
    failed: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        headers = self.rp.authentication()[0]
        while not stop.wait(0.05):  # else the machine is too busy to start anything
            form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
            tokens = self._ask("POST", TOKEN, data=form, headers=headers)
            if tokens is None:
                continue
            self.refresh_token = tokens["refresh_token"]
            self._ask("GET", USERINFO, headers={"authorization": f"Bearer {tokens['access_token']}"})
            self._ask("GET", JWKS)
            try:
                self.kids.add(jwt.decode(tokens["id_token"], self.known, algorithms=["RS256"]).header["kid"])
            except Exception as error:
                self.failed.append(f"verification: {error!r}")

    def _ask(self, method: str, url: str, **options: object) -> dict[str, str] | None:
        self.asked += 1
        try:
            answer = self.http.request(method, url, **options)  # type: ignore[arg-type]
        except httpx2.HTTPError as error:
            self.failed.append(f"{method} {url}: {error!r}")
            return None
        if answer.status_code != 200:
            self.failed.append(f"{method} {url}: {answer.status_code} {answer.text}")
            return None
        found: dict[str, str] = answer.json()
        return found


@contextmanager
def under(loads: list[Load]) -> Iterator[None]:
    """While these go on."""
    stop = threading.Event()
    threads = [threading.Thread(target=load.run, args=(stop,)) for load in loads]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


def upcoming_keys(installation: Installation) -> set[str]:
    """Published by the worker when it started; here as if that had been two days ago."""
    with unit_of_work(installation) as work:
        found = signing_keys.update().where(signing_keys.c.state == State.UPCOMING)
        rows = work.db.scalars(found.values(created_at=work.now - timedelta(days=2)).returning(signing_keys.c.kid))
        return set(rows)


def test_nodes_restarted_one_after_the_other_and_a_rotated_key_fail_no_request(
    topology: Topology, installation: Installation, rp: RelyingParty
) -> None:
    """F-10; A-108: refresh, userinfo and keys through nginx, while each node stops and starts again."""
    wait_until(lambda: len(upcoming_keys(installation)) == len(KEY_PAIRS))
    wait_until(lambda: upcoming_keys(installation) <= {key["kid"] for key in rp.jwks()["keys"]})
    known = KeySet.import_key_set(rp.jwks())  # type: ignore[arg-type]
    browser = signed_in(topology, installation, "linus@example.test")
    tokens = [rp.sign_in(browser.client, scope=OFFLINE).refresh_token for _ in range(LOADS)]
    loads = [Load(rp, topology.http(), token, known) for token in tokens]
    with under(loads):
        topology.restart(topology.ports[0])
        topology.signet("key", "rotate", "--alg", "RS256")
        topology.restart(topology.ports[1])
        time.sleep(1.2)  # SIGNET_KEY_CACHE
    assert [load.failed for load in loads] == [[]] * LOADS
    assert all(len(load.kids) == 2 for load in loads)
    assert min(load.asked for load in loads) > 50


def test_whoever_is_suspended_is_out_on_every_node_at_the_next_request(
    topology: Topology, installation: Installation, rp: RelyingParty
) -> None:
    browser = signed_in(topology, installation, "mallory@example.test")
    tokens = rp.sign_in(browser.client, scope=OFFLINE)
    cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())}
    bearer = {"authorization": f"Bearer {tokens.access_token}"}
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    for port in topology.ports:
        assert topology.ask_node(port, "GET", "/account", headers=cookies).status_code == 200
        assert topology.ask_node(port, "GET", USERINFO, headers=bearer).status_code == 200
    topology.signet("user", "suspend", "mallory@example.test", "--reason", "a stolen laptop")
    for port in topology.ports:
        assert topology.ask_node(port, "GET", "/account", headers=cookies).headers["location"].startswith("/login")
        assert topology.ask_node(port, "GET", USERINFO, headers=bearer).status_code == 401
        answer = topology.ask_node(port, "POST", TOKEN, data=refresh, headers=rp.authentication()[0])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
