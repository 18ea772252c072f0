"""What the operations that programs repeat all day cost: Python calls and SQL statements.

Both counts are the same on every machine, quiet or busy, so a change that makes an operation more expensive is seen on
the day it is made. A change that is worth its cost updates the table; so does one that saves a lot.
"""

from collections.abc import Iterator

import httpx2
import pytest
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.web import threads
from provider.work import Installation
from tests.oauth.conftest import Person, Register
from tests.support.costs import TIMES, Calls, Costs, Operation, counted, require_costs
from tests.support.dpop import Prover
from tests.support.installation import settings_for

pytestmark = pytest.mark.both_databases

COSTS: Costs = {
    "client_credentials": {"sqlite": (1, 211), "postgresql": (1, 266)},
    "refresh_token": {"sqlite": (3, 358), "postgresql": (2, 422)},
    "refresh_token with DPoP": {"sqlite": (4, 439), "postgresql": (2, 501)},
    "authorization": {"sqlite": (3, 347), "postgresql": (2, 416)},
    "code": {"sqlite": (3, 354), "postgresql": (2, 417)},
    "userinfo": {"sqlite": (1, 168), "postgresql": (1, 218)},
    "introspection": {"sqlite": (1, 194), "postgresql": (1, 246)},
    "jwks": {"sqlite": (0, 18), "postgresql": (0, 18)},
    "discovery": {"sqlite": (0, 17), "postgresql": (0, 17)},
}
"""The statements and the Python calls of each operation on each database, with Python 3.11. Later ones call less."""


@pytest.fixture
def settings(database_url: str) -> Settings:
    """With the caches that an installation has."""
    usual = Settings.model_fields
    return settings_for(database_url, client_cache=usual["client_cache"].default, key_cache=usual["key_cache"].default)


@pytest.fixture(autouse=True)
def _endpoints_stay_in_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after one kept it waiting, as on a busy machine. The way to a thread and back costs calls."""
    monkeypatch.setattr(threads, "LOOP_PAUSE", 0.0)


@pytest.fixture(autouse=True)
def calls() -> Iterator[Calls]:
    with counted() as calls:
        yield calls


def test_no_operation_costs_more_than_it_did(
    calls: Calls, register: Register, person: Person, ada: str, installation: Installation, client: TestClient
) -> None:
    rp = register(grant_types=("authorization_code", "refresh_token", "client_credentials"))
    browser = person(ada)
    tokens = rp.sign_in(browser, scope="openid profile email offline_access")
    access_token, newest = tokens.access_token, [tokens.refresh_token]
    holder = register(grant_types=("authorization_code", "refresh_token"))
    holder.prover = Prover()
    # With a nonce, because the clock of the installation stands still.
    holder.prover.nonce = holder.client_credentials().response.headers["dpop-nonce"]
    held = [holder.sign_in(browser, scope="openid profile email offline_access").refresh_token]
    answers = [rp.ask(browser) for _ in range(TIMES)]

    def refresh() -> httpx2.Response:
        refreshed = rp.refresh(newest[0])
        newest[0] = refreshed.refresh_token
        return refreshed.response

    def refresh_with_proof() -> httpx2.Response:
        refreshed = holder.refresh(held[0])
        held[0] = refreshed.refresh_token
        return refreshed.response

    operations: dict[str, Operation] = {
        "client_credentials": lambda: rp.client_credentials().response,
        "refresh_token": refresh,
        "refresh_token with DPoP": refresh_with_proof,
        "authorization": lambda: rp.ask(browser).response,
        "code": lambda: rp.redeem(answers.pop()).response,
        "userinfo": lambda: rp.userinfo(access_token),
        "introspection": lambda: rp.post("/oauth2/introspect", token=access_token),
        "jwks": lambda: client.get("/oauth2/jwks"),
        "discovery": lambda: client.get("/.well-known/openid-configuration"),
    }
    require_costs(calls, installation, operations, COSTS)
