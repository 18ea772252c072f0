"""What the operations that programs repeat all day cost: Python calls and SQL statements.

Both counts are the same on every machine, quiet or busy, so a change that makes an operation more expensive is seen on
the day it is made. A change that is worth its cost updates the table; so does one that saves a lot.
"""

import site
import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

import provider
from provider.config.settings import Settings
from provider.work import Installation
from tests.oauth.conftest import Person, Register
from tests.support import statements
from tests.support.installation import settings_for

pytestmark = pytest.mark.both_databases

ALLOWANCE = 1.03
"""How much more than the table an operation may cost."""
WARM, COUNTED = 5, 5
LIBRARIES = ("authlib", "joserfc", "psycopg", "sqlalchemy", "starlette")
COSTS: dict[str, dict[str, tuple[int, int]]] = {
    "client_credentials": {"sqlite": (1, 200), "postgresql": (1, 255)},
    "refresh_token": {"sqlite": (3, 341), "postgresql": (2, 407)},
    "authorization": {"sqlite": (3, 332), "postgresql": (2, 404)},
    "code": {"sqlite": (3, 339), "postgresql": (2, 404)},
    "userinfo": {"sqlite": (1, 162), "postgresql": (1, 212)},
    "introspection": {"sqlite": (1, 187), "postgresql": (1, 239)},
    "jwks": {"sqlite": (0, 18), "postgresql": (0, 18)},
    "discovery": {"sqlite": (0, 17), "postgresql": (0, 17)},
}
"""The statements and the Python calls of each operation on each database, with Python 3.11. Later ones call less."""


class Calls:
    """Counts the calls of Python functions of Signet and of the libraries that serve a request."""

    def __init__(self) -> None:
        libraries = [f"{path}/{name}/" for path in site.getsitepackages() for name in LIBRARIES]
        self._counted = (f"{next(iter(provider.__path__))}/", *libraries)
        self._known: dict[CodeType, bool] = {}
        self.count = 0

    def note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            counts = self._known.get(code)
            if counts is None:
                place = code.co_filename
                counts = self._known[code] = place.startswith(self._counted) and not place.endswith("testclient.py")
            self.count += counts


@pytest.fixture
def settings(database_url: str) -> Settings:
    """With the caches that an installation has."""
    usual = Settings.model_fields
    return settings_for(database_url, client_cache=usual["client_cache"].default, key_cache=usual["key_cache"].default)


@pytest.fixture(autouse=True)
def calls() -> Iterator[Calls]:
    """Counts in the event loop, and in the threads of the app, which begin later."""
    calls, before = Calls(), threading.getprofile()
    loop = TestClient.portal
    assert loop is not None  # `tests.support.speed` runs every request in this one
    threading.setprofile(calls.note)
    loop.call(sys.setprofile, calls.note)
    yield calls
    loop.call(sys.setprofile, before)
    threading.setprofile(before)


def test_no_operation_costs_more_than_it_did(
    calls: Calls, register: Register, person: Person, ada: str, installation: Installation, client: TestClient
) -> None:
    rp = register(grant_types=("authorization_code", "refresh_token", "client_credentials"))
    browser = person(ada)
    tokens = rp.sign_in(browser, scope="openid profile email offline_access")
    access_token, newest = tokens.access_token, [tokens.refresh_token]
    answers = [rp.ask(browser) for _ in range(WARM + 2 * COUNTED)]

    def refresh() -> httpx2.Response:
        refreshed = rp.refresh(newest[0])
        newest[0] = refreshed.refresh_token
        return refreshed.response

    operations: dict[str, Callable[[], httpx2.Response]] = {
        "client_credentials": lambda: rp.client_credentials().response,
        "refresh_token": refresh,
        "authorization": lambda: rp.ask(browser).response,
        "code": lambda: rp.redeem(answers.pop()).response,
        "userinfo": lambda: rp.userinfo(access_token),
        "introspection": lambda: rp.post("/oauth2/introspect", token=access_token),
        "jwks": lambda: client.get("/oauth2/jwks"),
        "discovery": lambda: client.get("/.well-known/openid-configuration"),
    }
    database = installation.database.engine.dialect.name
    for name, operation in operations.items():
        found, (statements_before, calls_before) = _cost(calls, installation, operation), COSTS[name][database]
        assert found[0] <= statements_before, name
        assert found[1] <= calls_before * ALLOWANCE, name


def _cost(calls: Calls, installation: Installation, operation: Callable[[], httpx2.Response]) -> tuple[int, int]:
    """The statements and the calls of the cheapest of a few times: a housekeeping thread or a refreshed cache may come
    in between.
    """
    for _ in range(WARM):
        assert operation().status_code in {200, 303}
    found = []
    for _ in range(COUNTED):
        before = calls.count
        operation()
        found.append(calls.count - before)
    asked = []
    for _ in range(COUNTED):  # apart from the calls, which include those of listeners
        with statements.recorded(installation.database.engine) as texts:
            operation()
            asked.append(len(texts))
    return min(asked), min(found)
