"""The web server of a test's Signet."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from signet_testing.serving.server import DROP

DATE_IS_SET_EVERY = 1.0
FINISH_WITHIN = 1.0
"""How long requests may still take when the server stops, in seconds."""


class Connection(HttpToolsProtocol):
    """An HTTP connection that a fault may close."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.access_log = False  # `Signet.requests` has them

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {DROP: {"close": self.transport.abort}}


class WebServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the test run, and that stops at once.

    uvicorn's own looks ten times a second whether it should exit, and then waits for as long again.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Let `serve` return. Called in the loop that it runs in."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which also sets the `Date` of responses
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), DATE_IS_SET_EVERY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = list(self.server_state.tasks)
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=FINISH_WITHIN)
            for task in late:
                task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # in which the loop closes them


def web_server_of(app: ASGIApp) -> WebServer:
    """Return a web server for `app` that leaves logging to the test run."""
    config = uvicorn.Config(
        app,
        http=Connection,
        loop="none",
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    return WebServer(config)
