"""The web server of a test's Signet."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from signet_testing.server import DROP


class Connection(HttpToolsProtocol):
    """An HTTP connection that a fault may close."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {DROP: {"close": self.transport.abort}}


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to the test run


def server_of(app: ASGIApp) -> uvicorn.Server:
    """Return a web server for `app` that leaves logging and signals to the test run."""
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
        timeout_graceful_shutdown=1,
    )
    return _Quiet(config)
