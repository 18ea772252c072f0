"""What an operation costs: Python calls and SQL statements. Both are the same on every machine, quiet or busy."""

import site
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import httpx2
from starlette.testclient import TestClient

import provider
from provider.work import Installation
from tests.support import statements

ALLOWANCE = 1.03
"""How many more calls than the table an operation may need."""
WARM, COUNTED = 5, 5
TIMES = WARM + 2 * COUNTED
"""How often `require_costs` calls an operation."""
LIBRARIES = ("authlib", "joserfc", "psycopg", "sqlalchemy", "starlette")

Costs = Mapping[str, Mapping[str, tuple[int, int]]]
"""Operation -> database -> statements and Python calls."""
Operation = Callable[[], httpx2.Response]


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


@contextmanager
def counted() -> Iterator[Calls]:
    """Count in the event loop, and in the threads of the app, which begin later."""
    calls, before = Calls(), threading.getprofile()
    loop = TestClient.portal
    assert loop is not None  # `tests.support.speed` runs every request in this one
    threading.setprofile(calls.note)
    loop.call(sys.setprofile, calls.note)
    yield calls
    loop.call(sys.setprofile, before)
    threading.setprofile(before)


def require_costs(calls: Calls, installation: Installation, operations: Mapping[str, Operation], costs: Costs) -> None:
    """Assert that no operation needs more statements or calls than `costs` says."""
    database = installation.database.engine.dialect.name
    found = {name: _cost(calls, installation, operation) for name, operation in operations.items()}
    for name, (statements_now, calls_now) in found.items():
        statements_before, calls_before = costs[name][database]
        assert statements_now <= statements_before, (name, found)
        assert calls_now <= calls_before * ALLOWANCE, (name, found)


def _cost(calls: Calls, installation: Installation, operation: Callable[[], httpx2.Response]) -> tuple[int, int]:
    """The statements and the calls of the cheapest of a few times: a housekeeping thread or a refreshed cache may come
    in between.
    """
    for _ in range(WARM):
        assert operation().status_code in {200, 201, 303}
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
