"""The metrics endpoint for Prometheus (SIGNET_METRICS_ADDRESS): the counts, and figures from the database.

It is never on the address that users and apps use. Every process of a service listens here on its own socket, and each
answers for all of them. The outbox and the keys are read on each request.
"""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from provider import __version__
from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.database.engine import OUTAGES
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth.keys import rotation
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.store import SigningKeyRow, State
from provider.observability import metrics
from provider.observability.logging import log
from provider.outbox import store as outbox
from provider.outbox.metrics import OUTBOX, OUTBOX_AGE
from provider.web.listening import reserve, share
from provider.work import Installation, UnitOfWork, unit_of_work

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from prometheus_client import Metric

PATIENCE = 5.0
"""Seconds within which a request must arrive."""


@dataclass(frozen=True)
class Meters:
    """The folder where the processes of a service count, and the address where they serve the metrics."""

    folder: Path
    address: tuple[str, int]


@contextmanager
def meters(settings: Settings, *, beside: tuple[str, int] | None = None) -> Iterator[Meters | None]:
    """Reserve a private folder and the address while the service runs. Yields None without an address.

    Raises SettingsError if the address is not available, or if it is that of the service (`beside`).
    """
    if settings.metrics_address is None:
        yield None
        return
    host, port = settings.metrics_address
    if beside is not None and beside[1] == port:
        raise SettingsError(f"SIGNET_METRICS_ADDRESS must use another port than the web server, not {port}")
    with TemporaryDirectory(prefix="signet-metrics-") as folder, reserve(host, port) as reserved:
        yield Meters(Path(folder), reserved.getsockname()[:2])


@contextmanager
def metered(installation: Installation, meters: Meters | None, *, process: int = 0) -> Iterator[None]:
    """Count in this process, and serve the metrics."""
    if meters is None:
        yield
        return
    metrics.begin(meters.folder, str(process))
    with share(meters.address) as listener:
        server = _open_server(listener, installation, meters.folder)
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            metrics.end()


class InstallationCollector:
    """The version and figures from the database, as a collector of prometheus_client.

    If the database is unavailable, it reports only that and the version.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def collect(self) -> "Iterable[Metric]":
        info = metrics.INFO.family()
        info.add_metric((__version__,), 1)
        yield info
        try:
            with unit_of_work(self._installation) as work:
                found = [*_outbox(work), *_keys(work)]
        except OUTAGES:
            found = []
        yield metrics.DATABASE_UP.of(bool(found))
        yield from found


def _outbox(work: UnitOfWork) -> "Iterable[Metric]":
    counts = OUTBOX.family()
    for topic, state, count in outbox.count_undelivered(work.read):
        counts.add_metric((topic, state), count)
    due_at = outbox.oldest_due(work.read, now=work.now)
    waited = 0.0 if due_at is None else (work.now - due_at).total_seconds()
    return counts, OUTBOX_AGE.of(waited)


def _keys(work: UnitOfWork) -> "Iterable[Metric]":
    age, left, delay = metrics.KEY_AGE.family(), metrics.KEY_ROTATION.family(), metrics.KEY_DELAY.family()
    rows = signing_keys.find_all(work.read)
    for pair in KEY_PAIRS:
        states = rotation.key_states_of(rows, pair)
        if states.current is None:
            continue
        signs_since = states.current.signs_from or states.current.created_at
        age.add_metric((pair,), (work.now - signs_since).total_seconds())
        if work.settings.key_rotation:
            due_at = signs_since + work.settings.key_rotation
            if states.upcoming is not None and states.upcoming.delayed_at is not None:
                due_at += work.settings.key_max_wait
            left.add_metric((pair,), (due_at - work.now).total_seconds())
        upcoming = [] if states.upcoming is None else [states.upcoming]
        for step, waiting in (("rotation", upcoming), ("removal", _retired(rows, pair))):
            since = [row.delayed_at for row in waiting if row.delayed_at is not None]
            seconds = max(((work.now - at).total_seconds() for at in since), default=0.0)
            delay.add_metric((pair, step), seconds)
    return age, left, delay


def _retired(rows: list[SigningKeyRow], pair: str) -> list[SigningKeyRow]:
    """Return the retired keys of a pair that are still published."""
    return [row for row in rows if row.alg == pair and row.state == State.RETIRED and row.removed_at is None]


def _open_server(listener: socket.socket, installation: Installation, folder: Path) -> WSGIServer:
    """Open a WSGI server on a socket that is already bound."""
    server = _Server(listener.getsockname(), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()[:2]
    server.setup_environ()
    server.set_app(_application(installation, folder))
    server.server_activate()
    return server


def _application(installation: Installation, folder: Path) -> "WSGIApplication":
    """Return the WSGI application, which serves only /metrics."""
    from prometheus_client import CollectorRegistry, make_wsgi_app  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    registry.register(InstallationCollector(installation))
    metrics_app = make_wsgi_app(registry)

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        status = "404 Not Found"
        if environ["PATH_INFO"] == "/metrics":
            try:
                found: list[bytes] = metrics_app(environ, start_response)
            except Exception:  # noqa: BLE001  # a file that another process is creating, say: the next time it is whole
                log.exception("metrics.failed")
                status = "503 Service Unavailable"
            else:
                return found
        start_response(status, [("Content-Type", "text/plain")])
        return [status.encode()]

    return application


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def log_message(self, *_: object) -> None:
        """Log no requests."""
