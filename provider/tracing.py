"""OpenTelemetry traces, if `signet-provider[otel]` is installed and a destination is set (OTEL_EXPORTER_OTLP_ENDPOINT).

Each request has a span, named by its method and route. In it, each database statement has a span without its
parameters, and each request to another server one without its path. Attributes follow the semantic conventions.
Everything else is configured with OpenTelemetry's own settings. A trace begins here: a `traceparent` from outside is
ignored.

OpenTelemetry's own instrumentation packages are not used. They put query strings, browsers, addresses and the texts of
database errors, which quote values, into spans.
"""

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provider import __version__
from provider.observability.logging import log
from provider.outbound.client import Outbound
from provider.work import Installation

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


WHERE_TO = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a destination for traces is set and the packages that send them are installed."""
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    if off or not any(environ.get(name) for name in WHERE_TO):
        return False
    if not _is_installed():
        log.warning("tracing.not_installed")
        return False
    return True


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # of a package above it
        return False


@contextmanager
def traced(app: ASGIApp, installation: Installation) -> Iterator[ASGIApp]:
    """Yield the application with traces, or unchanged if traces are not wanted.

    Called in the process that serves, because threads send the traces.
    """
    if not wanted():
        yield app
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # 80 ms
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    about = {"service.version": __version__}
    if "OTEL_SERVICE_NAME" not in os.environ:
        about["service.name"] = "signet"
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("signet")
    _trace_statements(tracer, installation)
    _trace_questions(tracer, installation.outbound)
    try:
        yield Traced(app, tracer)
    finally:
        provider.shutdown()


class Traced:
    """Middleware with a span around each request. Pure ASGI."""

    def __init__(self, app: ASGIApp, tracer: "Tracer") -> None:
        from opentelemetry.context import Context  # noqa: PLC0415
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415

        self.app, self.tracer = app, tracer
        self.nowhere, self.kind, self.failed = Context(), SpanKind.SERVER, StatusCode.ERROR

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        with self.tracer.start_as_current_span(
            method, context=self.nowhere, kind=self.kind, record_exception=False, set_status_on_exception=False
        ) as span:

            async def send_and_look(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(self.failed)
                await send(message)

            try:
                await self.app(scope, receive, send_and_look)
            finally:
                route = scope.get("route")
                span.set_attribute("http.request.method", method)
                span.set_attribute("signet.request_id", scope.get("state", {}).get("request_id", ""))
                if route is not None:
                    span.update_name(f"{method} {route.path}")
                    span.set_attribute("http.route", route.path)


def _trace_statements(tracer: "Tracer", installation: Installation) -> None:
    from opentelemetry.trace import SpanKind, get_current_span  # noqa: PLC0415

    engine = installation.database.engine

    def before(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:  # noqa: FBT001  # as SQLAlchemy calls it
        if context is not None and get_current_span().is_recording():  # what no request asked for has no trace
            operation = statement.split(maxsplit=1)[0]
            about = {
                "db.system.name": engine.dialect.name,
                "db.operation.name": operation,
                "db.query.text": statement,
            }
            context.signet_span = tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=about)

    def over(context: Any) -> None:
        span = getattr(context, "signet_span", None)
        if span is not None:
            span.end()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", lambda *given: over(given[4]))
    event.listen(engine, "handle_error", lambda failure: over(failure.execution_context))


def _trace_questions(tracer: "Tracer", outbound: Outbound) -> None:
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415

    @contextmanager
    def around(method: str, host: str) -> Iterator[None]:
        about = {"http.request.method": method, "server.address": host}
        with tracer.start_as_current_span(
            method, kind=SpanKind.CLIENT, attributes=about, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", type(error).__name__)
                raise

    outbound.around = around
