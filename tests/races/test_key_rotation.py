"""Keys rotate under load, in two processes: no token fails to verify, here or at the app."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from provider.config.settings import Settings
from provider.jose.algorithms import KEY_PAIRS, RS256
from provider.oauth.keys import rotation
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.store import State
from provider.work import Installation
from provider.worker.jobs import rotate_keys
from tests.races.conftest import refreshing, running
from tests.races.servers import Servers
from tests.races.starting_line import together
from tests.support.installation import Work
from tests.support.relying_party import INTROSPECT, USERINFO, RelyingParty
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.race, pytest.mark.slow]

CLIENTS = 3
KEY_CACHE = 2
BEFORE, AFTER = 1.0, 3.0
"""Seconds of load around the rotation: longer than a process keeps its ring."""


@pytest.fixture
def servers(settings: Settings, tmp_path: Path) -> Iterator[Servers]:
    with running(settings, tmp_path, SIGNET_KEY_CACHE=str(KEY_CACHE)) as servers:
        yield servers


@dataclass
class Load:
    """One app that refreshes at one process, and has the token used at the other."""

    refresh_token: str
    known: KeySet
    """The key set as it was when the upcoming keys had been published; never fetched again."""
    kids: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def run(self, rp: RelyingParty, servers: Servers, stop: threading.Event, *, turn: int) -> None:
        with httpx2.Client(timeout=PATIENCE) as http:
            while not stop.is_set():
                turn += 1
                outcome = refreshing(rp, servers.all[turn % 2], self.refresh_token).now()
                if outcome.status != 200:
                    self.refused.append(f"refresh: {outcome.status} {outcome.body}")
                    return
                self.refresh_token = outcome.body["refresh_token"]
                self._use(rp, http, servers, outcome.body["access_token"], at=(turn + 1) % 2)
                self._verify(outcome.body["access_token"])
                self._verify(outcome.body["id_token"])

    def _use(self, rp: RelyingParty, http: httpx2.Client, servers: Servers, token: str, *, at: int) -> None:
        server = servers.all[at]
        url, host = f"http://127.0.0.1:{server.port}", {"host": server.host}
        response = http.get(url + USERINFO, headers={**host, "authorization": f"Bearer {token}"})
        if response.status_code != 200:
            self.refused.append(f"userinfo: {response.status_code} {response.text}")
        answer = http.post(url + INTROSPECT, data={"token": token}, headers={**host, **rp.authentication()[0]})
        if not answer.json().get("active"):
            self.refused.append(f"introspection: {answer.text}")

    def _verify(self, token: str) -> None:
        try:
            self.kids.add(jwt.decode(token, self.known, algorithms=[RS256]).header["kid"])
        except (JoseError, ValueError) as error:
            self.refused.append(f"the app: {error}")


def published(servers: Servers, work: Work) -> dict[str, object]:
    """The key set, once both processes serve every key there is."""

    def look() -> dict[str, object] | None:
        with work() as w:
            rows = rotation.list_keys(w)
        upcoming = {row.kid for row in rows if row.state == State.UPCOMING}
        sets = [
            httpx2.get(f"http://127.0.0.1:{server.port}/oauth2/jwks", headers={"host": server.host}).json()
            for server in servers.all
        ]
        if len(upcoming) == len(KEY_PAIRS) and all(upcoming <= {key["kid"] for key in one["keys"]} for one in sets):
            found: dict[str, object] = sets[0]
            return found
        return None

    return wait_until(look, what="the upcoming keys were not published", every=0.2)


def test_a_rotation_under_load_fails_no_verification(
    rp: RelyingParty, browser: httpx2.Client, servers: Servers, work: Work, installation: Installation
) -> None:
    """OIDC Core section 10.1.1; A-108. The processes publish by themselves, and several workers rotate at once."""
    known = KeySet.import_key_set(published(servers, work))  # type: ignore[arg-type]
    loads = [Load(rp.sign_in(browser, scope="openid offline_access").refresh_token, known) for _ in range(CLIENTS)]
    with work() as w:  # as if ninety days had passed, and the lead with them
        old = w.now - timedelta(days=91)
        w.db.execute(signing_keys.signing_keys.update().values(created_at=old))
        w.db.execute(
            signing_keys.signing_keys.update()
            .where(signing_keys.signing_keys.c.state == State.CURRENT)
            .values(signs_from=old)
        )
    stop = threading.Event()
    moved: list[list[str]] = []

    def rotate() -> None:
        time.sleep(BEFORE)
        together([lambda: moved.append(rotate_keys(installation))] * 3)
        time.sleep(AFTER)
        stop.set()

    together(
        [
            *(lambda load=load, turn=turn: load.run(rp, servers, stop, turn=turn) for turn, load in enumerate(loads)),
            rotate,
        ]
    )
    assert [load.refused for load in loads] == [[]] * CLIENTS
    assert sorted(pair for pairs in moved for pair in pairs) == sorted(KEY_PAIRS), "each pair once"
    assert all(len(load.kids) == 2 for load in loads)
    assert "Traceback" not in servers.logs()
