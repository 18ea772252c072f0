"""The thread in which a test's Signet runs: an event loop of its own, and a socket that it listens on.

Apps under test have event loops of their own, or none. No request of theirs runs in them: it is handed to this one.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

DROP = "signet_testing.drop"
"""The extension of a scope that closes the connection without an answer."""

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


class Dropped(Exception):
    """A request in process whose answer was lost."""


class _Quiet(uvicorn.Server):
    """A uvicorn server that leaves signals to the test run, and that stops as soon as it is told to.

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


class Server:
    """An event loop in a thread, in which an ASGI application serves a socket."""

    def __init__(self, listening: socket.socket) -> None:
        """Take a socket that `listen` returned, and close it in the end."""
        self._socket = listening
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="signet test server", daemon=True)
        self._app: ASGIApp | None = None
        self._uvicorn: _Quiet | None = None

    def start(self, app: ASGIApp) -> None:
        """Serve `app`. Requests that came before wait in the socket's queue."""
        self._app = app
        config = uvicorn.Config(
            app,
            http=Connection,
            loop="none",
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,  # logging belongs to the test run
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        self._uvicorn = _Quiet(config)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        assert self._uvicorn is not None  # noqa: S101  # `start` set it
        try:
            self._loop.run_until_complete(self._uvicorn.serve([self._socket]))
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def call(self, scope: Scope, body: bytes) -> list[Message]:
        """Run a request in process, from any thread but the server's own; return what the application sent.

        Raises Dropped if a fault lost the answer.
        """
        return asyncio.run_coroutine_threadsafe(self._call(scope, body), self._loop).result()

    async def _call(self, scope: Scope, body: bytes) -> list[Message]:
        sent: list[Message] = []
        asked, answered, dropped = False, asyncio.Event(), False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": body, "more_body": False}
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                answered.set()

        def drop() -> None:
            nonlocal dropped
            dropped = True

        assert self._app is not None  # noqa: S101  # `start` set it
        await self._app({**scope, "extensions": {DROP: {"close": drop}}}, receive, send)
        if dropped:
            raise Dropped
        return sent

    def asgi(self) -> ASGIApp:
        """Return the application for a caller's own event loop, whichever that is. Its requests run in this one."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            from anyio import to_thread  # noqa: PLC0415  # for asyncio and trio

            if scope["type"] != "http":
                raise NotImplementedError(f"Signet has no {scope['type']}")
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            for message in await to_thread.run_sync(self.call, dict(scope), body):
                await send(message)

        return app

    def stop(self) -> None:
        """Close the connections and the socket, and wait for the thread."""
        if self._uvicorn is None:
            self._loop.close()
        elif self._thread.is_alive():
            with suppress(RuntimeError):  # the loop was closed a moment ago
                self._loop.call_soon_threadsafe(self._uvicorn.stop)
            self._thread.join(10)
        self._socket.close()


def scope_of(method: str, url: Any, headers: list[tuple[bytes, bytes]]) -> Scope:
    """Return the scope of a request in process. `url` is one of httpx or httpx2."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "root_path": "",
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": (url.host, url.port or 80),
    }
