"""Traces: where requests spend their time, and nothing of what was in them."""

import asyncio
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provider.audit.hourly import hourly_counts
from provider.tracing import Traced, _trace_statements, wanted
from provider.work import Installation, unit_of_work
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
    for name in (b"POST /oauth2/token", b"GET /login", b"SELECT clients.", b"signet.request_id"):
        assert name in sent
    assert b"hidden" not in sent
    assert bytes.fromhex("ab" * 16) not in sent, "a stranger's trace is not ours"


@pytest.fixture
def spans() -> tuple[Tracer, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test"), exporter


def everything_in(exporter: InMemorySpanExporter) -> str:
    found = exporter.get_finished_spans()
    assert found
    return "".join(span.to_json() for span in found)


def test_the_text_of_an_exception_stays_out_of_the_span(spans: tuple[Tracer, InMemorySpanExporter]) -> None:
    tracer, exporter = spans

    async def crash(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("hidden-value")

    with pytest.raises(ValueError, match="hidden-value"):
        asyncio.run(crashing(Traced(crash, tracer)))
    assert "hidden" not in everything_in(exporter)


async def crashing(app: ASGIApp) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Message) -> None: ...

    await app({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}, receive, send)


@pytest.mark.both_databases
def test_a_statement_that_fails_does_not_quote_its_values(
    installation: Installation, spans: tuple[Tracer, InMemorySpanExporter]
) -> None:
    """PostgreSQL says `Key (hour, name)=(..., hidden-name) already exists`."""
    tracer, exporter = spans
    _trace_statements(tracer, installation)
    row = {"hour": datetime(2026, 1, 1, tzinfo=UTC), "name": "hidden-name", "count": 1}
    with tracer.start_as_current_span("request"), pytest.raises(IntegrityError), unit_of_work(installation) as work:
        work.db.execute(insert(hourly_counts), row)
        work.db.execute(insert(hourly_counts), row)
    assert [span.name for span in exporter.get_finished_spans()].count("INSERT") == 2
    assert "hidden" not in everything_in(exporter)


@pytest.mark.slow
def test_nothing_is_imported_unless_somebody_says_where_to() -> None:
    code = "import sys, provider.serve; print([m for m in sys.modules if 'opentelemetry' in m])"
    given = {name: value for name, value in environment({}).items() if not name.startswith("OTEL_")}
    done = subprocess.run(  # not forked: that process has everything already
        [sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert done.stdout == "[]\n"
    assert not wanted({})
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert wanted(where)
    assert not wanted(where | {"OTEL_SDK_DISABLED": "true"})
    assert not wanted(where | {"OTEL_TRACES_EXPORTER": "none"})
