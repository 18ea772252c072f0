"""F-15: a service with as many connections as it may have serves those who ask, not those who sit there."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from provider.web import connections
from provider.web.connections import BoundedConnection
from tests.support.waiting import PATIENCE, wait_until

LIMIT = 8
Crowd = Callable[[], list[socket.socket]]
LIVE = b"GET /health/live HTTP/1.1\r\nHost: id.example.test\r\n\r\n"
HALF = b"POST /oauth2/token HTTP/1.1\r\nHost: id.example.test\r\nContent-Length: 100\r\n\r\ngrant_type="


@pytest.fixture
def server(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> Iterator[uvicorn.Server]:
    monkeypatch.setattr(connections, "SPARED", 0.0)
    monkeypatch.setattr(connections, "TAKES_SOME_WITHIN", 0.2)
    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        limit_concurrency=LIMIT,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        wait_until(lambda: server.started)
        yield server
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture
def crowd(server: uvicorn.Server) -> Iterator[Crowd]:
    """`crowd()`: many more connections than the server may have."""
    with ExitStack() as stack:
        yield lambda: [stack.enter_context(connect(server)) for _ in range(5 * LIMIT)]


def connect(server: uvicorn.Server) -> socket.socket:
    address = server.servers[0].sockets[0].getsockname()
    return socket.create_connection(address, timeout=PATIENCE)


def ask(client: socket.socket) -> bytes:
    client.sendall(LIVE)
    answer = b""
    while not answer.endswith(b"}"):
        received = client.recv(4096)
        if not received:
            break
        answer += received
    return answer


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", HALF], ids=["silent", "half a head", "half a body"])
def test_connections_that_wait_make_room_for_those_that_ask(server: uvicorn.Server, crowd: Crowd, sent: bytes) -> None:
    for client in crowd():
        with suppress(ConnectionError):  # it made room before it sent anything
            client.sendall(sent)

    def serves_others() -> bool:
        with connect(server) as other, suppress(ConnectionError):  # while the crowd still arrives, it may make room too
            return [ask(other)[:12] for _ in range(3)] == [b"HTTP/1.1 200"] * 3
        return False

    wait_until(serves_others)
    wait_until(lambda: len(server.server_state.connections) <= LIMIT)


def test_the_connection_that_has_waited_longest_makes_room_first(server: uvicorn.Server, crowd: Crowd) -> None:
    waiting = crowd()
    with connect(server) as other:
        assert ask(other).startswith(b"HTTP/1.1 200")
    assert waiting[0].recv(1) == b""
    waiting[-1].settimeout(0)
    with pytest.raises(BlockingIOError):
        waiting[-1].recv(1)


def test_a_request_in_progress_keeps_its_connection(server: uvicorn.Server, crowd: Crowd, app: Starlette) -> None:
    began, finish = threading.Event(), threading.Event()

    async def slow(_request: Request) -> PlainTextResponse:
        began.set()
        await asyncio.to_thread(finish.wait, PATIENCE)
        return PlainTextResponse("at last")

    app.router.routes.insert(0, Route("/test/slow", slow))
    with connect(server) as client:
        client.sendall(b"GET /test/slow HTTP/1.1\r\nHost: id.example.test\r\n\r\n")
        assert began.wait(PATIENCE)
        crowd()
        with connect(server) as other:
            assert ask(other).startswith(b"HTTP/1.1 200")
        finish.set()
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_client_that_takes_nothing_of_its_response_is_hung_up_on(server: uvicorn.Server, app: Starlette) -> None:
    async def large(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("x" * (32 << 20))

    app.router.routes.insert(0, Route("/test/large", large))
    with connect(server) as idle, connect(server) as client:
        idle.sendall(LIVE)
        client.sendall(b"GET /test/large HTTP/1.1\r\nHost: id.example.test\r\n\r\n")
        client.recv(1)
        wait_until(lambda: len(server.server_state.connections) == 1)


def test_a_client_that_reads_slowly_gets_all_of_its_response(server: uvicorn.Server, app: Starlette) -> None:
    size = 8 << 20

    async def large(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("x" * size)

    app.router.routes.insert(0, Route("/test/large", large))
    with connect(server) as client:
        client.sendall(b"GET /test/large HTTP/1.1\r\nHost: id.example.test\r\nConnection: close\r\n\r\n")
        received = 0
        while chunk := client.recv(256 << 10):
            received += len(chunk)
        assert received > size
