"""Traces: where requests spend their time, and nothing of what was in them."""

import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from provider.tracing import wanted
from tests.support.installation import SECRET_KEY
from tests.support.server_process import environment, serving
from tests.support.waiting import PATIENCE


class Collector(HTTPServer):
    """Takes what an exporter sends over OTLP/HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.got: dict[str, bytes] = {}


class Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got[self.path] = self.server.got.get(self.path, b"") + body
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_request_is_traced_with_its_statements_and_without_what_was_sent(
    database_url: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    settings = {"SIGNET_DATABASE_URL": database_url, "SIGNET_SECRET_KEY": SECRET_KEY}
    secrets = {"grant_type": "authorization_code", "client_id": "hidden-app", "code": "hidden-code"}
    with serving(settings, "--drain", "0") as server:
        form = urllib.parse.urlencode(secrets | {"client_secret": "hidden-secret"}).encode()
        strange = {"host": server.host, "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "user-agent": "hidden-browser"}
        asked = urllib.request.Request(server.origin + "/oauth2/token", form, strange)
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(asked, timeout=PATIENCE)
        server.get("/login?ticket=hidden-ticket")
        assert server.stop() == 0
    sent = collector.got["/v1/traces"]
    for name in (b"POST token", b"GET show_login", b"/oauth2/token", b"SELECT clients.", b"signet.request_id"):
        assert name in sent
    assert b"hidden" not in sent
    assert bytes.fromhex("ab" * 16) not in sent, "a stranger's trace is not ours"


def test_nothing_is_imported_unless_somebody_says_where_to() -> None:
    code = "import sys, provider.serve; print([m for m in sys.modules if 'opentelemetry' in m])"
    given = {name: value for name, value in environment({}).items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert not wanted({})
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert wanted(where)
    assert not wanted(where | {"OTEL_SDK_DISABLED": "true"})
    assert not wanted(where | {"OTEL_TRACES_EXPORTER": "none"})
