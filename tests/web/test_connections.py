"""Whoever sends too much, too slowly or nothing is hung up on; the others do not notice (F-15)."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from provider.web import connections
from provider.web.connections import BoundedConnection
from tests.support.waiting import PATIENCE

HEAD = b"POST /oauth2/token HTTP/1.1\r\nHost: id.example.test\r\n"
FORM = HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture
def port(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The real application behind a real server, with little patience."""
    monkeypatch.setattr(connections, "ARRIVES_WITHIN", 0.5)
    config = uvicorn.Config(app, http=BoundedConnection, ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def read_to_end(client: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: client.recv(4096), b""))
    return b""


def test_an_ordinary_request_is_answered_and_the_connection_kept(port: int) -> None:
    with connect(port) as client:
        for _ in range(3):
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(0.3)


def test_a_head_without_end_is_refused(port: int) -> None:
    with connect(port) as client:
        client.sendall(HEAD)
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                client.sendall(b"X-Padding: " + b"x" * 10_000 + b"\r\n")
        assert read_to_end(client)[:12] in {b"HTTP/1.1 431", b""}  # a reset may overtake the answer


def test_a_head_that_never_comes_is_hung_up_on(port: int) -> None:
    with connect(port) as silent, connect(port) as slow:
        slow.sendall(HEAD)
        began = time.monotonic()
        assert read_to_end(silent) == b""
        assert read_to_end(slow).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 30


def test_a_body_that_dribbles_is_not_carried_out(port: int) -> None:
    with connect(port) as client:
        client.sendall(FORM + b"Content-Length: 1000\r\n\r\ngrant_type=")
        assert read_to_end(client) == b""


def test_a_slow_answer_is_waited_for(port: int, app: Starlette) -> None:
    async def slow(_request: Request) -> PlainTextResponse:
        await asyncio.sleep(1)
        return PlainTextResponse("at last")

    app.router.routes.insert(0, Route("/test/slow", slow))
    with connect(port) as client:
        client.sendall(b"GET /test/slow HTTP/1.1\r\nHost: id.example.test\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"


@pytest.fixture
def echo(port: int, app: Starlette, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A connection to a server that sends back the header `X-Before` and the body of a POST to /test/echo."""
    monkeypatch.setattr(connections, "ARRIVES_WITHIN", PATIENCE)

    async def answer(request: Request) -> PlainTextResponse:
        assert "upgrade" not in request.headers
        return PlainTextResponse(request.headers["x-before"].encode() + b"|" + await request.body())

    app.router.routes.insert(0, Route("/test/echo", answer, methods=["POST"]))
    with connect(port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent apart arrives apart
        yield client


def posted(body: bytes, *, upgrade: bytes = UPGRADE, chunked: bool = False) -> bytes:
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    head = b"POST /test/echo HTTP/1.1\r\nHost: id.example.test\r\nX-Before: b\r\n" + upgrade + length + b"\r\n\r\n"
    return head + (b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body)


def read_echo(client: socket.socket, body: bytes) -> None:
    """Read one response, with this body behind the header, and nothing after it."""
    answer, wanted = b"", b"\r\n\r\nb|" + body
    while not answer.endswith(wanted):
        received = client.recv(4096)
        assert received, answer
        answer += received
    assert answer.startswith(b"HTTP/1.1 200"), answer


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_request_to_change_the_protocol_is_ignored_and_its_body_is_read(echo: socket.socket, chunked: bool) -> None:
    """RFC 9110 section 7.8. Java's HTTP client asks for h2c with its first and with later requests."""
    body = b"grant_type=x\r\nUpgrade: h2c\r\n\r\nend"
    whole = posted(body, chunked=chunked)
    head, end, rest = whole.partition(b"\r\n\r\n")
    for segments in ([whole], [head + end, rest], [head + end + rest[:7], rest[7:]]):
        for segment in segments:
            echo.sendall(segment)
        read_echo(echo, body)


def test_it_is_ignored_wherever_its_bytes_are_split(echo: socket.socket) -> None:
    """N-584: TCP keeps no boundaries."""
    whole = posted(b"end", upgrade=b"Connection: upgrade\r\nuPgRaDe:h2c\r\n")
    for place in range(whole.index(b"Connection") - 1, len(whole)):
        echo.sendall(whole[:place])
        time.sleep(0.001)
        echo.sendall(whole[place:])
        read_echo(echo, b"end")
    for place in range(len(whole)):
        echo.sendall(whole[place : place + 1])
    read_echo(echo, b"end")


def test_it_is_ignored_in_requests_that_come_together(echo: socket.socket) -> None:
    """N-585: with the end of a body, and with others (RFC 9112 section 9.3.2)."""
    first, second = posted(b"first"), posted(b"second")
    echo.sendall(first[:-2])
    time.sleep(0.001)
    echo.sendall(first[-2:] + second)
    read_echo(echo, b"second")
    echo.sendall(b"".join(posted(b"%d" % number) for number in range(50)))
    read_echo(echo, b"49")


def test_a_head_is_refused_for_its_size_however_it_arrives(port: int) -> None:
    """N-586."""
    large = FORM + b"X-Padding: " + b"x" * connections.MAX_HEAD + b"\r\nContent-Length: 0\r\n\r\n"
    for segments in ([large], [large[:-2], large[-2:]], [large[:30], large[30:]]):
        with connect(port) as client:
            with contextlib.suppress(ConnectionError):
                for segment in segments:
                    client.sendall(segment)
                    time.sleep(0.001)
            assert read_to_end(client)[:12] in {b"HTTP/1.1 431", b""}  # a reset may overtake the answer


def test_a_body_that_ends_with_the_next_head_counts_for_no_head(echo: socket.socket) -> None:
    """MAX_HEAD is of the head alone."""
    body = b"x" * (connections.MAX_HEAD + 1)
    second = posted(b"second")
    echo.sendall(posted(body) + second[:20])
    time.sleep(0.05)
    echo.sendall(second[20:])
    read_echo(echo, b"second")


def test_an_endless_trailer_is_hung_up_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """N-587, RFC 9112 section 7.1.2."""
    monkeypatch.setattr(connections, "ARRIVES_WITHIN", PATIENCE)
    with connect(port) as client, pytest.raises(ConnectionError):
        client.sendall(FORM + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
        for _ in range(200):
            client.sendall(b"X-Trailer: " + b"x" * 10_000 + b"\r\n")
            time.sleep(0.001)


def test_a_line_break_between_requests_keeps_no_connection(port: int) -> None:
    """N-588, RFC 9112 section 2.2."""
    with connect(port) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        while not client.recv(4096).endswith(b"}"):
            pass
        client.sendall(b"\r\n")
        assert read_to_end(client) == b""


@pytest.mark.parametrize("garbage", [b"NONSENSE\r\n\r\n", b"CONNECT id.example.test:443 HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_garbage_behind_a_request_gets_no_answer_in_its_place(port: int, garbage: bytes) -> None:
    """N-617, RFC 9112 section 9.3.2: the client would take a 400 for the answer to the request."""
    with connect(port) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: id.example.test\r\n\r\n" + garbage)
        assert b"HTTP/1.1 4" not in read_to_end(client)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /\xff\xfe HTTP/1.1\r\nHost: id.example.test\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: id.example.test\r\nHost: evil.example\r\n\r\n",
        FORM + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        FORM + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /\x00 HTTP/1.1\r\nHost: id.example.test\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"CONNECT /oauth2/token HTTP/1.1\r\nHost: id.example.test\r\nContent-Length: 3\r\n\r\nGET",
        b"CONNECT /oauth2/token HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    ],
)
def test_what_is_no_request_for_us_is_the_callers_fault(port: int, raw: bytes) -> None:
    with connect(port) as client:
        client.sendall(raw)
        assert client.recv(4096)[:10] == b"HTTP/1.1 4"
