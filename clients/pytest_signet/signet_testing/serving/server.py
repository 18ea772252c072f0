"""The thread in which a test's Signet runs: an event loop of its own, and a socket that it listens on.

Apps under test have event loops of their own, or none. No request of theirs runs in them: it is handed to this one.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from signet_testing.serving.web_server import WebServer

DROP = "signet_testing.drop"
"""The extension of a scope that closes the connection without an answer."""


class Dropped(Exception):
    """A request in process whose answer was lost."""


class Server:
    """An event loop in a thread, in which an ASGI application serves a socket.

    The web server is loaded at the first connection: many tests only send requests in process.
    """

    def __init__(self, listening: socket.socket) -> None:
        """Take a socket that `listen` returned, and close it in the end."""
        self._socket = listening
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="signet test server", daemon=True)
        self._app: ASGIApp | None = None
        self._web_server: WebServer | None = None
        self._awaited = asyncio.Event()
        """Set by the first connection, and by the end."""
        self._stopping = False

    def start(self, app: ASGIApp) -> None:
        """Serve `app`. Requests that came before wait in the socket's queue."""
        self._app = app
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        self._loop.add_reader(self._socket, self._awaited.set)
        await self._awaited.wait()
        self._loop.remove_reader(self._socket)
        if not self._stopping:
            from signet_testing.serving.web_server import web_server_of  # noqa: PLC0415  # see the class

            assert self._app is not None  # noqa: S101  # `start` set it
            self._web_server = web_server_of(self._app)
            await self._web_server.serve([self._socket])

    def _end(self) -> None:
        self._stopping = True
        self._awaited.set()
        if self._web_server is not None:
            self._web_server.stop()

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
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop was closed a moment ago
                self._loop.call_soon_threadsafe(self._end)
            self._thread.join(10)
        elif not self._loop.is_closed():
            self._loop.close()
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
