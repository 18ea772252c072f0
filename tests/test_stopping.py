"""A server that stops while its event loop is late, as on a busy machine, loses no connection (F-10)."""

import signal
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from provider import serve
from provider.web.connections import BoundedConnection
from provider.web.listening import awaits_accept
from tests.support.waiting import PATIENCE, wait_until

REQUEST = b"POST /answer HTTP/1.1\r\nHost: id.example.test\r\nContent-Length: 0\r\n\r\n"


class Stopping:
    stopping = False


class LateServer:
    """A server whose event loop stands still between `hold` and `release`."""

    def __init__(self, listener: socket.socket) -> None:
        self._held, self._released = threading.Event(), threading.Event()
        app = Starlette(routes=[Route("/answer", self._answer, methods=["POST"])])
        config = uvicorn.Config(
            app, loop="uvloop", http=BoundedConnection, ws="none", lifespan="off", log_config=None, access_log=False
        )
        self.server = serve.Server(config, Stopping(), 0.0, listener, on_started=lambda: None)
        self.loop = config.get_loop_factory()()  # type: ignore[misc]
        self.address = listener.getsockname()
        self._listener = listener
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.loop.run_until_complete(self.server.serve([self._listener]))

    async def _answer(self, _request: Request) -> PlainTextResponse:
        return PlainTextResponse("answered", headers={"connection": "close"})

    def hold(self) -> None:
        def stand_still() -> None:
            self._held.set()
            self._released.wait(PATIENCE)

        self.loop.call_soon_threadsafe(stand_still)
        assert self._held.wait(PATIENCE)

    def has_one_to_accept(self) -> bool:
        return awaits_accept(self._listener)

    def release(self) -> None:
        self._released.set()


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[LateServer]:
    monkeypatch.setattr(serve, "LAST_ARRIVALS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        late = LateServer(listener)
        late.thread.start()
        wait_until(lambda: late.server.started)
        yield late
        late.release()
        late.server.should_exit = True
        late.thread.join(PATIENCE)


def read_to_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(4096), b""))


def test_a_server_stops_when_no_connection_waits_to_be_accepted(
    late: LateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = threading.Event()
    monkeypatch.setattr("provider.serve.time.sleep", lambda _seconds: waited.set())
    late.hold()
    with socket.create_connection(late.address, timeout=PATIENCE) as client:
        client.sendall(REQUEST)
        wait_until(late.has_one_to_accept)
        late.server.handle_exit(signal.SIGTERM, None)
        wait_until(lambda: waited.is_set() or late.server.should_exit)
        assert not late.server.should_exit
        late.release()
        assert read_to_end(client).endswith(b"answered")
    wait_until(lambda: late.server.should_exit)


def test_a_second_sigterm_does_not_shorten_the_stop(late: LateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor may signal each process, and the parent passes the signal on."""
    monkeypatch.setattr(late.server, "_reject_connections", lambda: None)
    late.server.handle_exit(signal.SIGTERM, None)
    late.server.handle_exit(signal.SIGTERM, None)
    assert not late.server.should_exit


def test_sigint_stops_immediately(late: LateServer) -> None:
    late.server.handle_exit(signal.SIGINT, None)
    assert late.server.should_exit
