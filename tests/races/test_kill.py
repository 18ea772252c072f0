"""kill -9 of the web process under refresh load: everything a client was told holds after the restart."""

import threading
import time
from dataclasses import dataclass, field

import httpx2
import pytest

from tests.races.conftest import refreshing, revoking
from tests.races.servers import Servers
from tests.races.starting_line import together
from tests.support.effort import effort
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty

pytestmark = pytest.mark.race

CLIENTS = 4
KILLS = effort(1, 4)
BETWEEN = 0.7
"""Seconds of load before each kill."""


@dataclass
class Ledger:
    """What one client was told, in order."""

    refresh_token: str
    access_tokens: list[str] = field(default_factory=list)
    revoked: bool = False
    refused: list[str] = field(default_factory=list)

    def use(self, rp: RelyingParty, servers: Servers, stop: threading.Event, *, turn: int) -> None:
        """Refresh without end; after no answer, present the same token again, to the other server."""
        while not stop.is_set():
            turn += 1
            outcome = refreshing(rp, servers.all[turn % 2], self.refresh_token).now()
            if outcome.status == 200:
                self.refresh_token = outcome.body["refresh_token"]
                self.access_tokens.append(outcome.body["access_token"])
            elif outcome.status not in {0, 503}:
                self.refused.append(f"{outcome.status} {outcome.error}")
                return

    def give_back(self, rp: RelyingParty, servers: Servers) -> None:
        outcome = revoking(rp, servers.all[1], self.refresh_token).now()
        self.revoked = outcome.status == 200


def test_what_a_client_was_told_holds_after_kill_9(
    rp: RelyingParty, browser: httpx2.Client, servers: Servers, work: Work
) -> None:
    """A-112, A-125; F-9, R-2."""
    ledgers = [Ledger(rp.sign_in(browser, scope="openid offline_access").refresh_token) for _ in range(CLIENTS)]
    given_back = [Ledger(rp.sign_in(browser, scope="openid offline_access").refresh_token) for _ in range(KILLS)]
    stop = threading.Event()

    def kill_and_restart() -> None:
        victim, other = servers.all
        for ledger in given_back:
            time.sleep(BETWEEN)
            ledger.give_back(rp, servers)
            victim.kill()
            victim.start()
            victim.wait()
        other.kill()
        other.start()
        other.wait()
        stop.set()

    load = [
        lambda ledger=ledger, turn=turn: ledger.use(rp, servers, stop, turn=turn) for turn, ledger in enumerate(ledgers)
    ]
    together([*load, kill_and_restart])

    assert [ledger.refused for ledger in ledgers] == [[]] * CLIENTS
    assert all(len(ledger.access_tokens) > KILLS for ledger in ledgers)
    assert all(ledger.revoked for ledger in given_back)
    for ledger in ledgers:
        assert rp.refresh(ledger.refresh_token).status == 200
        assert rp.is_active(ledger.access_tokens[0])
        assert rp.is_active(ledger.access_tokens[-1])
    for ledger in given_back:
        assert rp.refresh(ledger.refresh_token).error == "invalid_grant"
    assert "Traceback" not in servers.logs()
