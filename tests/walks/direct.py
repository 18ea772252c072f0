"""The application called in the thread of the test, without a server: a walk is thousands of requests."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx2
from starlette.applications import Starlette

Answer = TypeVar("Answer")


class Direct(httpx2.BaseTransport):
    """One request at a time."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url, body = request.url, request.read()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": unquote(url.path),
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 50000),
            "server": (url.host, url.port or 443),
            "state": {},
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        self._loop.run_until_complete(self._app(scope, receive, send))
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return httpx2.Response(sent[0]["status"], headers=sent[0]["headers"], content=content, request=request)

    def close(self) -> None:
        self._loop.close()


class SamePool:
    """In the place of a pool of threads."""

    async def run(self, function: Callable[..., Answer], *arguments: object) -> Answer:
        return function(*arguments)


def without_threads(app: Starlette) -> Starlette:
    app.state.threads.close()
    app.state.threads = SimpleNamespace(ordinary=SamePool(), quick=SamePool(), hashing=SamePool())
    return app
