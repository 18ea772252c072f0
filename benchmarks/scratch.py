"""A temporary installation with a real `signet serve`, for programs that kill it or load it for hours.

SQLite is a file in a temporary folder. PostgreSQL is a server of its own that keeps what it commits (fsync on).
"""

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from provider.config.environment import load_settings
from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.setting_up import create_keys_and_salt
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.support import forking
from tests.support.browser import Browser
from tests.support.own_postgres import OwnServer
from tests.support.server_process import Serving, environment, free_port
from tests.support.services import DURABLE, Services
from tests.support.waiting import PATIENCE, wait_until

PROXY = "127.0.0.1"
"""The address that may say whom a request is from: with an address each, no limit per network is reached."""


class NoAnswer(Exception):
    """There was no answer, or it was 503: nothing is known of what was asked."""


@dataclass
class Scratch:
    """One installation and the service on it."""

    environ: dict[str, str]
    installation: Installation
    folder: Path
    port: int
    workers: int
    postgres: OwnServer | None = None
    server: Serving | None = None
    connections: ExitStack = field(default_factory=ExitStack)
    """Closes what `client` opened."""

    @property
    def origin(self) -> str:
        return self.environ["SIGNET_ISSUER"]

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    def start(self) -> None:
        """Start the service, and wait until it is ready."""
        arguments = ["serve", "--port", str(self.port), "--workers", str(self.workers), "--drain", "0"]
        with self.log.open("ab") as log:
            process = forking.start(arguments, env=environment(self.environ), stdout=log, stderr=log)
        self.server = Serving(process, self.port, self.origin.removeprefix("http://"))
        self.server.wait_until_ready()

    def processes(self) -> list[int]:
        """The pids of the parent and of its workers."""
        assert self.server is not None
        return list(dict.fromkeys([self.server.process.pid, *self.server.workers()]))

    def kill(self) -> None:
        """Kill the whole service: it finishes nothing. Returns when all its processes are gone."""
        assert self.server is not None
        doomed = self.processes()
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.process.wait(PATIENCE)
        wait_until(lambda: not any(is_running(pid) for pid in doomed))

    def stop(self) -> None:
        """Stop the service, if it runs."""
        if self.server is not None and self.server.process.poll() is None:
            self.server.process.send_signal(signal.SIGINT)
            self.server.process.wait(PATIENCE)

    def client(self, network: str = "10.0.0.1") -> httpx2.Client:
        """A connection of an app or a browser in this network. Raises NoAnswer when the service is unavailable."""
        client = httpx2.Client(
            base_url=self.origin,
            timeout=PATIENCE,
            headers={"x-forwarded-for": network},
            event_hooks={"response": [_require_available]},
            trust_env=False,
        )
        return self.connections.enter_context(client)

    def browser(self, network: str = "10.0.0.1") -> Browser:
        """A person's browser."""
        return Visitor(self.client(network), self.origin)


class Visitor(Browser):
    """A browser over the network."""

    def __init__(self, client: httpx2.Client, issuer: str) -> None:
        self.client = client  # type: ignore[assignment]
        self.issuer = issuer
        self.page, self.left_to, self.history = None, None, []


def _require_available(response: httpx2.Response) -> None:
    if response.status_code == 503:
        raise NoAnswer


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@contextmanager
def scratch(
    database: str, *, workers: int, settings: Mapping[str, str], within: Path | None = None
) -> Iterator[Scratch]:
    """Yield a migrated installation on `sqlite` or `postgresql`. Its service is not started, and stopped in the end.

    Its folder is made in `within`. `settings` are environment variables.
    """
    port = free_port()
    own = Services(postgres_options=dict(DURABLE))
    with tempfile.TemporaryDirectory(prefix="signet-", dir=within) as folder:
        try:
            postgres = OwnServer(own) if database == "postgresql" else None
            environ = {
                "SIGNET_ISSUER": f"http://127.0.0.1:{port}",
                "SIGNET_DATABASE_URL": f"sqlite:///{folder}/signet.db" if postgres is None else postgres.url,
                "SIGNET_SECRET_KEY": "a secret key of 32 characters or more for this",
                "SIGNET_ENV": "test",
                "SIGNET_LOG_LEVEL": "error",
                "SIGNET_TRUSTED_PROXIES": PROXY,
                **settings,
            }
            loaded = load_settings(environ)
            migrate(loaded)
            installation = open_installation(loaded, counter=LimitCounter())
            with unit_of_work(installation) as work:
                create_keys_and_salt(work)
            made = Scratch(environ, installation, Path(folder), port, workers, postgres)
            try:
                yield made
            finally:
                made.connections.close()
                made.stop()
                installation.database.close()
        finally:
            own.stop()
