"""Transports of httpx and httpx2 that reach a test's Signet in process, without a socket.

Synchronous clients and asynchronous ones with any event loop can use them, because the request runs in the server's
own loop. The library is the caller's: the one whose client is created.
"""

from importlib import import_module
from typing import Any

from signet_testing.serving.server import Dropped, Server, scope_of


def _answer(library: Any, server: Server, request: Any, body: bytes) -> Any:
    try:
        head, *parts = server.call(scope_of(request.method, request.url, list(request.headers.raw)), body)
    except Dropped:
        raise library.RemoteProtocolError("Server disconnected without sending a response.") from None
    content = b"" if request.method == "HEAD" else b"".join(part.get("body", b"") for part in parts)
    return library.Response(head["status"], headers=head["headers"], content=content, request=request)


def transport(server: Server, name: str = "httpx2") -> Any:
    """Return a transport for `httpx2.Client(transport=…)`, or for that of `httpx`."""
    library: Any = import_module(name)

    class InProcess(library.BaseTransport):  # type: ignore[misc]  # the library is the caller's
        def handle_request(self, request: Any) -> Any:
            return _answer(library, server, request, request.read())

    return InProcess()


def async_transport(server: Server, name: str = "httpx2") -> Any:
    """Return a transport for `httpx2.AsyncClient(transport=…)`, or for that of `httpx`."""
    library: Any = import_module(name)

    class InProcess(library.AsyncBaseTransport):  # type: ignore[misc]  # the library is the caller's
        async def handle_async_request(self, request: Any) -> Any:
            from anyio import to_thread  # noqa: PLC0415  # for asyncio and trio

            return await to_thread.run_sync(_answer, library, server, request, await request.aread())

    return InProcess()
