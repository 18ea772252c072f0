"""The sample MCP server (`clients/mcp_server`), run in a thread."""

import importlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from tests.support.server_process import REPOSITORY
from tests.support.waiting import PATIENCE, wait_until


@contextmanager
def running_mcp_server(issuer: str, url: str, port: int) -> Iterator[None]:
    """Serve it at this URL, for access tokens of this issuer, until the block ends."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "clients"))
        create_app = importlib.import_module("mcp_server.server").create_app  # found there, as the page tells
        server = uvicorn.Server(uvicorn.Config(create_app(issuer, url), port=port, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            wait_until(lambda: server.started, what="the MCP server did not start")
            yield
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            # The SDK sets up a log with colors and long tracebacks, which would slow every later test.
            root.handlers[:], root.level = before
