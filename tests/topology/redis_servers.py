"""Redis in every arrangement on this machine: with TLS and a login, behind Sentinels, and as a cluster."""

import contextlib
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import redis

from tests.support.certificates import Authority
from tests.support.server_process import free_port
from tests.support.services import unavailable
from tests.support.waiting import PATIENCE, wait_until

PASSWORD = "p@ss/word:1"
"""Of the servers. It has characters that a URL must encode."""
SENTINEL_PASSWORD = "another one"
RULES = "~LIMITS:* ~{signet}* -@all +@read +@write +@scripting +@connection"
"""What docs/operate/redis.md grants the ACL user of Signet."""


def _low_port() -> int:
    """A free port so low that the port of the cluster's own connections, 10000 above, exists too."""
    while True:
        port = free_port()
        if port < 55_000:
            return port


@dataclass
class Server:
    """One process of Redis on a port of its own, without anything on disk but what it writes itself."""

    folder: Path
    options: list[str]
    port: int
    login: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("redis-server") or unavailable("Redis", "no redis-server on PATH")
        configuration = self.folder / f"{self.port}.conf"
        if not configuration.exists():  # Sentinels and nodes of a cluster note in it what they know
            configuration.write_text("\n".join(["bind 127.0.0.1", f"dir {self.folder}", *self.options]) + "\n")
        sentinel = ["--sentinel"] if any(option.startswith("sentinel ") for option in self.options) else []
        with (self.folder / f"{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen([program, str(configuration), *sentinel], stdout=log, stderr=log)
        wait_until(self.answers, of=self.process, what="Redis does not start", log=self.log)

    def log(self) -> str:
        return (self.folder / f"{self.port}.log").read_text()[-2000:]

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, **self.login)

    def ask(self, *command: str) -> Any:
        with self.client() as client:
            return client.execute_command(*command)

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError, OSError):
            return bool(self.ask("PING"))
        return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)


class Arrangement(ABC):
    """Some servers, and the URL with which Signet uses them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[Server] = []

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def start(self) -> None:
        """Start the servers. Returns when they can be used."""

    def keepers(self) -> list[Server]:
        """The servers that have data and accept writes."""
        return self.servers

    def lose(self) -> None:
        """Kill everything."""
        for server in self.servers:
            server.kill()

    def restore(self) -> None:
        """Start again what was lost, empty."""
        for server in self.servers:
            server.start()

    def empty(self) -> None:
        for server in self.keepers():
            server.ask("FLUSHALL")

    def add(self, *options: str, **login: Any) -> Server:
        port = _low_port()
        given = [option.replace("{port}", str(port)) for option in options]
        self.servers.append(Server(self.folder, given, port, login))
        return self.servers[-1]


class Tls(Arrangement):
    """One server that wants TLS, a certificate of the client, and the password of an ACL user."""

    def start(self) -> None:
        authority = Authority(self.folder)
        self.authority, self.certificate = authority.file, authority.issue_file("localhost")
        self.add(
            "port 0",
            "tls-port {port}",
            f"tls-cert-file {self.certificate}",
            f"tls-key-file {self.certificate}",
            f"tls-ca-cert-file {self.authority}",
            "tls-auth-clients yes",
            "user default off",
            "user admin on >admin ~* &* +@all",
            f"user signet on >{PASSWORD} {RULES}",
            'save ""',
            host="localhost",
            ssl=True,
            username="admin",
            password="admin",
            **self.options,
        ).start()

    @property
    def options(self) -> dict[str, str]:
        files = {"ssl_certfile": self.certificate, "ssl_keyfile": self.certificate}
        return {name: str(file) for name, file in {"ssl_ca_certs": self.authority, **files}.items()}

    @property
    def url(self) -> str:
        return self.url_with(**self.options)

    def url_with(self, password: str = PASSWORD, **options: str) -> str:
        login = f"signet:{quote(password, safe='')}"
        return f"rediss://{login}@localhost:{self.servers[0].port}/0?{urlencode(options)}"


class Sentinels(Arrangement):
    """A primary and a replica, and three Sentinels that promote the replica. Both kinds have a password."""

    def start(self) -> None:
        password = ['save ""', "port {port}", f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"]
        self.primary = self.add(*password, password=PASSWORD)
        self.replica = self.add(*password, f"replicaof 127.0.0.1 {self.primary.port}", password=PASSWORD)
        self.sentinels = [
            self.add(
                "port {port}",
                f"sentinel monitor signet 127.0.0.1 {self.primary.port} 2",
                f"sentinel auth-pass signet {PASSWORD}",
                "sentinel down-after-milliseconds signet 500",
                "sentinel failover-timeout signet 2000",
                f'requirepass "{SENTINEL_PASSWORD}"',
                password=SENTINEL_PASSWORD,
            )
            for _ in range(3)
        ]
        for server in self.servers:
            server.start()
        wait_until(self._is_whole, what="the Sentinels do not find each other and the replica")

    def _is_whole(self) -> bool:
        found: list[Any] = [sentinel.client().sentinel_master("signet") for sentinel in self.sentinels]
        return all(one["num-slaves"] == 1 and one["num-other-sentinels"] == 2 for one in found)

    def keepers(self) -> list[Server]:
        return [
            server for server in (self.primary, self.replica) if server.answers() and server.ask("ROLE")[0] == b"master"
        ]

    def restore(self) -> None:
        super().restore()
        wait_until(lambda: len(self.keepers()) == 1, what="there is not one primary")

    @property
    def url(self) -> str:
        sentinels = ",".join(f"127.0.0.1:{server.port}" for server in self.sentinels)
        options = urlencode({"sentinel_password": SENTINEL_PASSWORD})
        return f"redis+sentinel://:{quote(PASSWORD, safe='')}@{sentinels}/signet/0?{options}"


class Cluster(Arrangement):
    """Three primaries, each with a third of the slots. The URL names two of them."""

    def start(self) -> None:
        for number in range(3):
            self.add(
                "port {port}",
                "cluster-enabled yes",
                f"cluster-config-file nodes-{number}.conf",
                "cluster-node-timeout 1000",
                f"requirepass {PASSWORD}",
                'save ""',
                password=PASSWORD,
            ).start()
        first = self.servers[0]
        for number, server in enumerate(self.servers):
            slots = range(16384 * number // 3, 16384 * (number + 1) // 3)
            server.ask("CLUSTER", "ADDSLOTS", *map(str, slots))
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for server in self.servers[1:]:
            server.ask("CLUSTER", "MEET", "127.0.0.1", str(first.port))
        wait_until(self._is_whole, what="the nodes do not become a cluster")

    def _is_whole(self) -> bool:
        found = [server.client().cluster("INFO") for server in self.servers]
        return all(one["cluster_state"] == "ok" and one["cluster_known_nodes"] == "3" for one in found)

    def restore(self) -> None:
        super().restore()
        wait_until(self._is_whole, what="the cluster does not come back")

    @property
    def url(self) -> str:
        nodes = ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:2])
        return f"redis+cluster://:{quote(PASSWORD, safe='')}@{nodes}"


@contextlib.contextmanager
def running(kind: type[Arrangement], folder: Path) -> Iterator[Any]:
    """Provide an arrangement that runs."""
    arrangement = kind(folder)
    try:
        arrangement.start()
        yield arrangement
    finally:
        arrangement.lose()
