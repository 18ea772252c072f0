"""Over the real client and a real socket: an upstream that is slow, huge or leads elsewhere holds up nobody."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provider.config.settings import Settings
from provider.installation import open_installation
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation
from tests.federation.conftest import EXAMPLE
from tests.federation.fake_provider import FakeProvider, Traveller
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer, raw
from tests.support.people import sign_in
from tests.support.waiting import PATIENCE


class RealProvider(FakeProvider):
    """The same answers, over a socket. `odd` is what the token endpoint does instead."""

    def __init__(self, clock: Clock, server: ForeignServer) -> None:
        super().__init__(clock)
        self.odd: Behaviour | None = None
        base = server.url("", host="127.0.0.1")
        self.metadata |= {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/jwks",
        }
        self.claims["iss"] = base
        server.behaviour = self._serve

    def _serve(self, connection: socket.socket, request: Request) -> None:
        if request.target == "/token" and self.odd is not None:
            self.odd(connection, request)
            return
        documents: dict[str, dict[str, Any]] = {
            "/.well-known/openid-configuration": self.metadata,
            "/jwks": {"keys": [key.as_dict(private=False) for key in self.published]},
        }
        body = documents.get(request.target)
        if body is None:
            form = dict(pair.split("=", 1) for pair in request.body.decode().split("&"))
            body = json.loads(self.post_form("", {**form, "redirect_uri": self.asked_for["redirect_uri"]}).body)
        answer(body)(connection, request)

    def authorize(self, url: str, **changes: str | None) -> str:
        back = super().authorize(url, **changes)
        [self.asked_for] = self._codes.values()
        return back


@pytest.fixture
def server() -> Iterator[ForeignServer]:
    with ForeignServer() as server:
        yield server


@pytest.fixture
def configured(server: ForeignServer) -> dict[str, dict[str, Any]]:
    return {"example": {**EXAMPLE, "issuer": server.url("", host="127.0.0.1")}}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"outbound_allow": frozenset({"127.0.0.0/8"})})


@pytest.fixture
def provider(clock: Clock, server: ForeignServer) -> FakeProvider:
    return RealProvider(clock, server)


@pytest.fixture
def installation(settings: Settings, clock: Clock) -> Iterator[Installation]:
    """With the real client."""
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    yield installation
    installation.database.close()


def test_somebody_signs_in(traveller: Traveller) -> None:
    assert traveller.sign_in().path == "/account"


def forever(connection: socket.socket, _request: Request) -> None:
    """A byte now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        threading.Event().wait(0.1)


@pytest.mark.parametrize(
    "odd",
    [
        forever,
        answer(b" " * 70_000),
        answer(b"{}", status="302 Found", Location="http://127.0.0.1:1/elsewhere"),
        answer(b"<html>", "text/html"),
        raw(b"SSH-2.0-OpenSSH\r\n"),
        raw(b""),
    ],
    ids=["slow", "huge", "elsewhere", "a page", "another protocol", "hangs up"],
)
def test_a_token_endpoint_that_is_none_is_an_outage(
    traveller: Traveller, provider: RealProvider, server: ForeignServer, odd: Behaviour
) -> None:
    """F-5, A-101, A-103."""
    url = provider.authorize(traveller.leave())
    provider.odd = odd
    page = traveller.browser.open(url)
    assert page.status == 503
    assert "retry-after" in page.response.headers
    assert [request.target for request in server.requests][-1] == "/token"


def test_nothing_of_ours_is_held_while_we_wait(
    traveller: Traveller, provider: RealProvider, installation: Installation
) -> None:
    """No transaction is open and no connection taken (decision 30)."""
    held = []

    def look(connection: socket.socket, request: Request) -> None:
        held.append(installation.database.in_use)
        answer({"error": "invalid_grant"}, status="400 Bad Request")(connection, request)

    provider.odd = look
    assert traveller.sign_in().status == 403
    assert held == [0]


def test_an_upstream_that_hangs_holds_up_nobody_else(
    traveller: Traveller, provider: RealProvider, new_browser: Callable[[], Browser], ada: str, settings: Settings
) -> None:
    """A-103: more wait for it than there are threads, and a password still opens."""
    let_go, waiting = threading.Event(), threading.Semaphore(0)

    def hang(connection: socket.socket, request: Request) -> None:
        waiting.release()
        let_go.wait(PATIENCE)
        answer({"error": "invalid_grant"}, status="400 Bad Request")(connection, request)

    provider.odd = hang
    urls = []
    for _ in range(settings.outbound_threads):
        other = Traveller(new_browser(), provider)
        urls.append((other, other.leave()))
    with ThreadPoolExecutor(len(urls)) as pool:
        coming = [pool.submit(other.browser.open, FakeProvider.authorize(provider, url)) for other, url in urls]
        for _ in coming:
            assert waiting.acquire(timeout=PATIENCE)
        try:
            assert sign_in(traveller.browser).path == "/account"
        finally:
            let_go.set()
        assert {each.result().status for each in coming} <= {403, 503}
