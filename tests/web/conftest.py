"""Endpoints of the tests' own, in the real application."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

Mount = Callable[[str, Any], None]


@pytest.fixture
def mount(app: Starlette) -> Mount:
    """`mount("/test/thing", endpoint)`: GET and POST."""

    def add(path: str, handler: Any) -> None:
        app.router.routes.insert(0, Route(path, handler, methods=["GET", "POST"]))

    return add
