"""The web service as processes: N workers, each with its own SO_REUSEPORT socket (decision 60), supervised by a parent.

On SIGTERM a worker first reports that it is not ready and keeps serving for a moment. Then it rejects new connections
and finishes its requests. A worker that dies is replaced; one that keeps dying is replaced more and more slowly.
"""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Protocol

import uvicorn

from provider.app import create_app
from provider.config.environment import SettingsError
from provider.config.production_checks import require_safe
from provider.config.settings import Settings
from provider.descriptors import MORE_FILES, Capacity, raise_limit
from provider.doctor import background as doctor
from provider.installation import open_installation
from provider.metrics import Meters, metered, meters
from provider.oauth.keys.key_ring import KeyRing
from provider.observability.logging import configure_logging, log, log_ignored_variables
from provider.ratelimits.counter import open_counter, shared_file
from provider.readiness import require_ready
from provider.runtime.garbage import keep_what_exists
from provider.tracing import traced
from provider.warm_up import warm_up
from provider.web.connections import LAST_WORD, BoundedConnection, CertifiedConnection
from provider.web.listening import awaits_accept, reject_connections, reserve, share
from provider.web.tls import Tls, mutual_tls_of
from provider.worker.background import BackgroundWorker

FINISH_WITHIN = 30
"""Seconds for requests in progress to finish, once a worker accepts no new ones (F-10)."""
LAST_ARRIVALS = 1.0
"""Seconds for the newest connections to send their requests, while further ones are rejected."""


def serve(settings: Settings, *, host: str, port: int, workers: int, drain: float = 1.0, tls: Tls | None = None) -> int:
    """Serve until stopped, over TLS with `tls`. Returns the exit status. `drain` is in seconds.

    Raises SettingsError if the installation is not ready to serve, or if the address is not available.
    """
    configure_logging(settings.log_level)
    if tls is not None:
        if not settings.secure:
            raise SettingsError(f"SIGNET_ISSUER must be an https URL with --tls-cert. It is {settings.issuer}")
        tls.context()
    mutual = mutual_tls_of(settings)
    if mutual is not None:
        mutual.context()
    log_ignored_variables()
    require_safe(settings)
    known_keys = require_ready(settings)
    room = raise_limit(settings)
    if room.is_small:
        log.warning("connections.limited", connections=room.connections, hint=MORE_FILES)
    with (
        reserve(host, port) as reserved,
        _reserve_second(settings, host) as second,
        meters(settings, beside=(host, port)) as found,
        shared_file(settings, processes=workers) as hits,
    ):
        keep_what_exists()
        address, other = reserved.getsockname()[:2], None if second is None else second.getsockname()[:2]
        service = Service(settings, address, other, drain, tls, mutual, found, hits, known_keys, room)
        return work(service) if workers == 1 else Supervisor(service, workers).run()


def _reserve_second(settings: Settings, host: str) -> AbstractContextManager[socket.socket | None]:
    """Return a socket that reserves the address of SIGNET_MTLS_PORT, or None without it."""
    return contextlib.nullcontext() if settings.mtls_port is None else reserve(host, settings.mtls_port)


@dataclass(frozen=True)
class Service:
    """The configuration of every process of a service."""

    settings: Settings
    address: tuple[str, int]
    second: tuple[str, int] | None
    """The address at which client certificates are asked for."""
    drain: float
    tls: Tls | None
    mutual: Tls | None
    """The files of the second address."""
    meters: Meters | None
    hits: Path | None
    """The file in which the workers count rate limits together."""
    known_keys: KeyRing
    """The keys at the start. A worker that is replaced while the database is down publishes them."""
    room: Capacity


class Stoppable(Protocol):
    """The state of an application that learns that it is stopping (`web.services.AppState`)."""

    stopping: bool


class Server(uvicorn.Server):
    """A uvicorn server that reports it is not ready, then rejects new connections, and then closes."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: Stoppable,
        drain: float,
        listener: socket.socket,
        *,
        certified: tuple[socket.socket, ssl.SSLContext] | None = None,
        on_started: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._state = state
        self._on_started = on_started
        self._drain = drain
        self._listeners = [listener] if certified is None else [listener, certified[0]]
        self._certified = certified

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._certified is not None:
            await self._listen_for_certificates(*self._certified)
        threading.Thread(target=self._on_started, name="warm-up", daemon=True).start()

    async def _listen_for_certificates(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        """Serve at a second address, whose connections know the client's certificate."""
        connect = partial(
            CertifiedConnection, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        server = await asyncio.get_running_loop().create_server(
            connect, sock=listener, ssl=context, backlog=self.config.backlog, ssl_shutdown_timeout=LAST_WORD
        )
        self.servers.append(server)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully on SIGTERM, and immediately on SIGINT.

        A second SIGTERM changes nothing: systemd and other supervisors signal each process, and so does the parent.
        """
        first = not self._state.stopping
        self._state.stopping = True  # read by /health/ready, and by what ends kept connections
        if sig != signal.SIGTERM:
            self._stop()
        elif first:
            threading.Timer(self._drain, self._reject_connections).start()

    def _reject_connections(self) -> None:
        for listener in self._listeners:
            reject_connections(listener)
        threading.Timer(LAST_ARRIVALS, self._stop_when_all_are_accepted).start()

    def _stop_when_all_are_accepted(self) -> None:
        """Stop once no connection waits to be accepted: on a busy machine the event loop may be late (F-10)."""
        until = time.monotonic() + FINISH_WITHIN
        while any(map(awaits_accept, self._listeners)) and time.monotonic() < until:
            time.sleep(0.05)
        self._stop()

    def _stop(self) -> None:
        self.should_exit = True


def work(service: Service, *, place: int = 0) -> int:
    """Run one worker: serve on its own socket until stopped. `place` is its number among the workers."""
    settings, address, tls = service.settings, service.address, service.tls
    background = BackgroundWorker(settings, delivers=settings.redis_url is None, tasks=doctor.TASKS)
    installation = open_installation(settings, wake=background.wake, counter=open_counter(settings, file=service.hits))
    app = create_app(installation, background=background, known_keys=service.known_keys)
    with (
        share(address) as listener,
        contextlib.nullcontext() if service.second is None else share(service.second) as second,
        metered(installation, service.meters, process=place),
        traced(app, installation) as watched,
    ):
        config = uvicorn.Config(
            watched,
            loop="uvloop",
            http=BoundedConnection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `web.network` knows whom to trust
            backlog=service.room.backlog,
            limit_concurrency=service.room.connections,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=FINISH_WITHIN,
            ssl_certfile=None if tls is None else tls.certificate,  # that there is one turns it on
            ssl_context_factory=None if tls is None else lambda *_: tls.context(),
        )
        keep_what_exists()
        log.info("serving", address=f"{address[0]}:{address[1]}", pid=os.getpid())
        prepare = partial(warm_up, installation, app.routes)
        mutual = service.mutual
        certified = None if second is None or mutual is None else (second, mutual.context())
        server = Server(config, app.state, service.drain, listener, certified=certified, on_started=prepare)
        server.run(sockets=[listener])
    return 0


@dataclass
class Supervisor:
    """The parent process: it starts the workers, replaces those that die, and stops them all."""

    service: Service
    workers: int
    _started: dict[int, tuple[int, float]] = field(default_factory=dict)
    """The running workers: pid to (number among the workers, start time)."""
    _stopping: bool = False
    _pause: float = 0.0

    def run(self) -> int:
        self._lifeline, self._held = os.pipe()
        signal.signal(signal.SIGTERM, self._pass_on)
        signal.signal(signal.SIGINT, self._pass_on)
        for place in range(self.workers):
            self._start_one(place)
        while self._started:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(-1, 0)
                started = self._started.pop(pid, None)
                if started is not None and not self._stopping:
                    log.error("worker.died", pid=pid, status=os.waitstatus_to_exitcode(status))
                    place, since = started
                    self._replace(place, time.monotonic() - since)
        return 0

    def _start_one(self, place: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os._exit(self._be_worker(place))
        self._started[pid] = (place, time.monotonic())
        if self._stopping:  # told so while forking: this one has not heard
            os.kill(pid, signal.SIGTERM)

    def _be_worker(self, place: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.close(self._held)
        threading.Thread(target=self._follow_parent, name="lifeline", daemon=True).start()
        try:
            return work(self.service, place=place)
        except BaseException:  # noqa: BLE001  # nothing of the parent's stack may run in this process
            log.exception("worker.failed")
            return 1

    def _follow_parent(self) -> None:
        # The parent holds the other end of the pipe and never writes: it ends when the parent does, however that was.
        os.read(self._lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _replace(self, place: int, lived: float) -> None:
        self._pause = 0.0 if lived > 10 else min(max(0.5, self._pause * 2), 30)
        until = time.monotonic() + self._pause
        while not self._stopping and time.monotonic() < until:
            time.sleep(0.1)
        if not self._stopping:
            self._start_one(place)

    def _pass_on(self, sig: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in list(self._started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
