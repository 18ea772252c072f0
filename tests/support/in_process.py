"""How the tests' HTTP clients call an app: one event loop for all of them, and one visit to it for each request.

Starlette's own transport starts a thread with an event loop for every request and speaks with it a dozen times, which
takes longer than most requests do.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar
from urllib.parse import unquote

import httpx2
from anyio.from_thread import BlockingPortal
from starlette.types import ASGIApp, Message, Scope

from provider.runtime import greenlets


class InProcess(httpx2.BaseTransport):
    """In the place of the transport of `starlette.testclient`. The answer is whole: nothing streams."""

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(
        self,
        app: ASGIApp,
        portal_factory: Callable[[], AbstractContextManager[BlockingPortal]],  # Starlette passes it
        raise_server_exceptions: bool = True,
        root_path: str = "",
        *,
        client: tuple[str, int],
        app_state: dict[str, Any],
    ) -> None:
        self.app, self.client, self.app_state = app, client, app_state
        self.raise_server_exceptions, self.root_path = raise_server_exceptions, root_path

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        # A test that sends a request while another one runs may be in the event loop itself.
        messages = greenlets.in_thread(self._wait_for_answer, self._scope(request), request.read())
        head, *parts = messages
        assert head["type"] == "http.response.start"
        body = b"" if request.method == "HEAD" else b"".join(part.get("body", b"") for part in parts)
        headers = [(name.decode(), value.decode()) for name, value in head["headers"]]
        return httpx2.Response(head["status"], headers=headers, stream=httpx2.ByteStream(body), request=request)

    def _scope(self, request: httpx2.Request) -> Scope:
        url = request.url
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(url.path),
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "root_path": self.root_path,
            "scheme": url.scheme,
            "query_string": url.query,
            "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.multi_items()],
            "client": self.client,
            "server": [url.host, url.port or {"http": 80, "https": 443}[url.scheme]],
            "state": self.app_state.copy(),
        }

    def _wait_for_answer(self, scope: Scope, body: bytes) -> list[Message]:
        # A portal would wait for the loop twice: until it has begun, and until it is done.
        return asyncio.run_coroutine_threadsafe(self._run(scope, body), self.loop).result()

    async def _run(self, scope: Scope, body: bytes) -> list[Message]:
        """What the app sends."""
        sent: list[Message] = []
        asked, answered = False, asyncio.Event()

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": body}
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                answered.set()

        try:
            await self.app(scope, receive, send)
        except Exception:
            if self.raise_server_exceptions or not sent:
                raise
        return sent
