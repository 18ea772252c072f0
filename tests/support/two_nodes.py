"""Two nodes on one database, whose clocks differ, behind a balancer that a test points at one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.applications import Starlette

from provider.app import create_app
from provider.clock import clock_of
from provider.config.settings import Settings
from provider.database.engine import open_database
from provider.installation import open_installation
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.support.clock import Clock
from tests.support.installation import Work


@dataclass(frozen=True)
class Node:
    """One process on the database, with a clock of its own."""

    installation: Installation
    clock: Clock
    app: Starlette

    @property
    def work(self) -> Work:
        return partial(unit_of_work, self.installation)


class Nodes:
    """The ASGI application in front of both nodes: a request goes to `at`, one for the sign-in page to `sign_in_at`."""

    def __init__(self, fast: Node, slow: Node) -> None:
        self.fast, self.slow = fast, slow
        self.at = fast
        self.sign_in_at: Node | None = None

    async def __call__(self, scope: Any, *channels: Any) -> None:
        node = self.sign_in_at if self.sign_in_at is not None and scope["path"].startswith("/login") else self.at
        await node.app(scope, *channels)

    def pass_time(self, **parts: float) -> None:
        """`pass_time(minutes=5)`: on both clocks."""
        for node in (self.fast, self.slow):
            node.clock.advance(timedelta(**parts))


@contextmanager
def running_nodes(settings: Settings, *, apart: float, follow_database: bool = False) -> Iterator[Nodes]:
    """Two nodes. The clock of the slow one is `apart` seconds behind, that of the fast one is right.

    With `follow_database` both compare their clocks with the database's, as `signet serve` does.
    """
    nodes = []
    for seconds in (0, -apart):
        clock = Clock()
        clock.advance(timedelta(seconds=seconds))
        database = open_database(settings)
        used = clock_of(database, local=clock) if follow_database else clock
        database.connect().close()  # as every process does at its start
        installation = open_installation(settings, database=database, clock=used, counter=LimitCounter())
        nodes.append(Node(installation, clock, create_app(installation)))
    try:
        yield Nodes(*nodes)
    finally:
        for node in nodes:
            node.app.state.threads.close()
            node.installation.database.close()
