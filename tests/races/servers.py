"""Real servers: `signet serve` in processes of their own, on loopback, over one database; stopped by their pids."""

import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from provider.config.settings import Settings
from tests.support import forking
from tests.support.forking import Forked
from tests.support.waiting import PATIENCE, wait_until


@dataclass
class Server:
    """One process with one worker."""

    settings: Settings
    port: int
    log: Path
    more: Mapping[str, str] = field(default_factory=dict)
    """Settings of the process alone."""
    process: Forked | None = None

    def start(self) -> None:
        settings = self.settings
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNET_")}
        environment |= {
            "SIGNET_DATABASE_URL": settings.database_url,
            "SIGNET_SECRET_KEY": settings.secret_keys[0],
            "SIGNET_ISSUER": settings.issuer,
            "SIGNET_REFRESH_GRACE": str(int(settings.refresh_grace.total_seconds())),
            "SIGNET_DATABASE_TIMEOUT": str(settings.database_timeout),
            "SIGNET_REGISTRATION": settings.registration,
            "SIGNET_LOG_LEVEL": "error",
            "SIGNET_ENV": "test",
            **self.more,
        }
        arguments = ["serve", "--port", str(self.port), "--workers", "1", "--drain", "0"]
        with self.log.open("ab") as log:
            self.process = forking.start(arguments, env=environment, stdout=log, stderr=log)

    def wait(self) -> None:
        """Until it answers."""
        wait_until(self.answers, of=self.process, what=f"no answer from port {self.port}", log=self.log.read_text)

    def answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/health/live", headers={"host": self.host})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def host(self) -> str:
        """What a proxy in front would send: the host of the issuer."""
        return self.settings.issuer.removeprefix("http://")

    def kill(self) -> None:
        """SIGKILL: it finishes nothing."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass
class Servers:
    """Servers that stand behind one issuer."""

    all: list[Server] = field(default_factory=list)

    def start(self) -> None:
        for server in self.all:
            server.start()
        for server in self.all:
            server.wait()

    def stop(self) -> None:
        for server in self.all:
            server.kill()

    def logs(self) -> str:
        return "".join(server.log.read_text() for server in self.all if server.log.exists())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
