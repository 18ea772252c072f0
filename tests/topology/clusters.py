"""PostgreSQL in high availability on this machine: three servers, each behind a network of its own.

`Streaming` is plain streaming replication, and the test is the operator who promotes a standby. `Patroni` promotes by
itself, with etcd. Both replicate synchronously: what was acknowledged is on two servers.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest

from tests.support.network import Network
from tests.support.server_process import free_port
from tests.support.services import Services, _unprivileged, postgres_program
from tests.support.waiting import PATIENCE, wait_until

CONFIGURATION = {
    "fsync": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "wal_keep_size": "256MB",
    "wal_log_hints": "on",
    "max_wal_senders": "10",
    "hot_standby": "on",
    "wal_receiver_status_interval": "1",
    "wal_receiver_timeout": "5s",
    "wal_sender_timeout": "5s",
}
"""What was written survives the death of the processes, not that of this machine."""
TRUST = "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"


@dataclass
class Node:
    """One server, and the processes that belong to it."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    """The server's own port. Everybody else comes through `network`."""
    started: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.network = Network(("127.0.0.1", self.port))
        self.data = self.folder / "data"

    def ask(self, statement: str) -> Any:
        """The first value that the server itself answers; None if there is no answer."""
        with contextlib.suppress(psycopg.Error):
            where = {"host": "127.0.0.1", "port": self.port, "dbname": "postgres", "user": "signet"}
            with psycopg.connect(**where, connect_timeout=2, autocommit=True, sslmode="disable") as connection:  # type: ignore[arg-type]
                found = connection.execute(statement)
                return (found.fetchone() or [None])[0] if found.description else True
        return None

    def is_primary(self) -> bool:
        return self.ask("SELECT NOT pg_is_in_recovery()") is True

    def processes(self) -> list[int]:
        """The pids of what was started, of the server and of its children; those that start others come first."""
        found = [self.started.pid] if self.started is not None and self.started.poll() is None else []
        with contextlib.suppress(OSError, ValueError):
            server = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
            found += [server, *map(int, children)]
        return list(dict.fromkeys(found))

    def signal(self, what: signal.Signals) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def kill(self) -> None:
        """SIGKILL to all of it, as when the machine loses power."""
        self.signal(signal.SIGKILL)
        if self.started is not None:
            self.started.wait(PATIENCE)
        wait_until(lambda: self.ask("SELECT 1") is None, what=f"{self.name} does not die")


class Cluster(ABC):
    """Three nodes, one of which is the primary."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Programs besides PostgreSQL's."""

    def __init__(self) -> None:
        self.services = Services()
        self.who: dict[str, Any] = _unprivileged(self.services.folder)
        self.nodes = [Node(name, self._folder(name)) for name in ("n1", "n2", "n3")]

    @property
    def url(self) -> str:
        """The URL of the database, with every node in it."""
        servers = ",".join(f"127.0.0.1:{node.network.port}" for node in self.nodes)
        return f"postgresql://signet@{servers}/postgres?sslmode=disable&gssencmode=disable"

    @property
    def primary(self) -> Node:
        """The node that can write, and that others can reach."""
        return next(node for node in self.nodes if not node.network.drops.is_set() and node.is_primary())

    def is_whole(self) -> bool:
        """Whether both standbys follow the primary, and it waits for one of them."""
        primaries = [node for node in self.nodes if node.is_primary()]
        followers = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        synchronous = f"{followers} AND sync_state IN ('sync', 'quorum')"
        return len(primaries) == 1 and primaries[0].ask(followers) == 2 and primaries[0].ask(synchronous) >= 1

    @abstractmethod
    def start(self) -> None:
        """Start everything. Returns when the cluster is whole."""

    @abstractmethod
    def cut_off(self, node: Node) -> None:
        """Lose whatever is sent to or from this node."""

    @abstractmethod
    def promote(self, lost: Node) -> None:
        """See to it that another node becomes the primary."""

    @abstractmethod
    def rejoin(self, node: Node) -> None:
        """Bring back a node that was lost, as a standby. Returns when the cluster is whole."""

    def stop(self) -> None:
        for node in self.nodes:
            node.signal(signal.SIGCONT)
            node.kill()
            node.network.close()
        self.services.stop()

    def run(self, *command: str, log: str, folder: Path) -> subprocess.Popen[bytes]:
        """Start a program as the user that PostgreSQL may run as."""
        with (self.services.folder / f"{log}.log").open("ab") as output:
            environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
            return subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env=environment, **self.who)

    def _folder(self, name: str) -> Path:
        folder = self.services.folder / name
        folder.mkdir(mode=0o700)
        if self.who:
            os.chown(folder, self.who["user"], self.who["group"])
        return folder


class Streaming(Cluster):
    """Streaming replication by hand."""

    def start(self) -> None:
        first = self.nodes[0]
        command = [postgres_program("initdb"), "-D", str(first.data), "-U", "signet", "-N", "-E", "UTF8", "--locale=C"]
        assert self.run(*command, log="initdb", folder=first.folder).wait(PATIENCE) == 0
        self._configure(first)
        self._start(first)
        for node in self.nodes[1:]:
            self._copy(node, first)
        # Not before: until there is a standby, each commit would wait for one.
        for node in self.nodes:
            node.ask("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (n1, n2, n3)'")
            node.ask("SELECT pg_reload_conf()")
        wait_until(self.is_whole, what="the standbys do not follow")

    def cut_off(self, node: Node) -> None:
        node.network.drops.set()

    def promote(self, lost: Node) -> None:
        """Promote the standby that has most, as an operator would, and let the other follow it."""
        standbys = [node for node in self.nodes if node is not lost]
        received = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')"
        best = max(standbys, key=lambda node: node.ask(received))
        assert best.ask("SELECT pg_promote()") is True
        for node in standbys:
            if node is not best:
                self._follow(node, best)

    def rejoin(self, node: Node) -> None:
        node.kill()
        node.network.restore()
        shutil.rmtree(node.data)
        self._copy(node, self.primary)
        wait_until(self.is_whole, what=f"{node.name} does not follow")

    def _configure(self, node: Node) -> None:
        lines = [f"{name} = '{value}'" for name, value in CONFIGURATION.items()]
        (node.data / "postgresql.conf").write_text("\n".join(lines) + "\n")
        (node.data / "pg_hba.conf").write_text(TRUST)

    def _start(self, node: Node) -> None:
        where = ["-p", str(node.port), "-c", "listen_addresses=127.0.0.1", "-k", str(node.folder)]
        command = [postgres_program("postgres"), "-D", str(node.data), *where]
        node.started = self.run(*command, log=node.name, folder=node.folder)
        wait_until(lambda: node.ask("SELECT 1") == 1, of=node.started, what=f"{node.name} does not start")

    def _copy(self, node: Node, primary: Node) -> None:
        """Make this node a standby of the primary."""
        where = ["-h", "127.0.0.1", "-p", str(primary.network.port), "-U", "signet", "-D", str(node.data)]
        copy = self.run(postgres_program("pg_basebackup"), *where, "-c", "fast", "-N", log="copy", folder=node.folder)
        assert copy.wait(PATIENCE) == 0
        (node.data / "standby.signal").touch()
        settings = self._conninfo(node, primary)
        with (node.data / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(f"primary_conninfo = '{settings}'\n")
        for file in ("standby.signal", "postgresql.auto.conf"):
            if self.who:
                os.chown(node.data / file, self.who["user"], self.who["group"])
        self._start(node)

    def _follow(self, node: Node, primary: Node) -> None:
        node.ask(f"ALTER SYSTEM SET primary_conninfo = '{self._conninfo(node, primary)}'")
        node.ask("SELECT pg_reload_conf()")

    @staticmethod
    def _conninfo(node: Node, primary: Node) -> str:
        return f"host=127.0.0.1 port={primary.network.port} user=signet application_name={node.name} sslmode=disable"


class Patroni(Cluster):
    """Patroni at each node, and one etcd, which each node reaches through a network of its own."""

    needs = ("patroni", "etcd")

    def start(self) -> None:
        client, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        folder = self._folder("etcd")
        urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
        known = ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
        command = ["etcd", "--data-dir", str(folder / "data"), "--unsafe-no-fsync", *urls, *known]
        self.etcd = self.run(*command, log="etcd", folder=folder)
        self.to_etcd = {node.name: Network(("127.0.0.1", int(client.rpartition(":")[2]))) for node in self.nodes}
        self.api_ports = {node.name: free_port() for node in self.nodes}
        self.to_api = {name: Network(("127.0.0.1", port)) for name, port in self.api_ports.items()}
        for node in self.nodes:
            self._start(node)
            if node is self.nodes[0]:
                wait_until(node.is_primary, of=node.started, what="there is no primary")
        wait_until(self.is_whole, what="the standbys do not follow")

    def cut_off(self, node: Node) -> None:
        for network in self._networks(node):
            network.drops.set()

    def promote(self, lost: Node) -> None:
        """Wait: Patroni does it."""
        others = [node for node in self.nodes if node is not lost]
        wait_until(lambda: any(node.is_primary() for node in others), what="no standby was promoted")

    def rejoin(self, node: Node) -> None:
        for network in self._networks(node):
            network.restore()
        if node.started is not None and node.started.poll() is not None:
            self._start(node)
        wait_until(self.is_whole, what=f"{node.name} does not follow")

    def stop(self) -> None:
        super().stop()
        self.etcd.kill()
        self.etcd.wait()
        for network in (*self.to_etcd.values(), *self.to_api.values()):
            network.close()

    def _networks(self, node: Node) -> tuple[Network, ...]:
        return node.network, self.to_etcd[node.name], self.to_api[node.name]

    def _start(self, node: Node) -> None:
        configuration = node.folder / "patroni.yml"
        parameters = "".join(f"        {name}: '{value}'\n" for name, value in CONFIGURATION.items())
        trust = "".join(f"  - {line}\n" for line in TRUST.splitlines())
        programs = Path(postgres_program("postgres")).parent
        port, reached = self.api_ports[node.name], self.to_api[node.name].port
        configuration.write_text(
            f"scope: signet\nname: {node.name}\n"
            f"restapi:\n  listen: 127.0.0.1:{port}\n  connect_address: 127.0.0.1:{reached}\n"
            f"etcd3:\n  hosts: [127.0.0.1:{self.to_etcd[node.name].port}]\n  use_proxies: true\n"
            "bootstrap:\n  dcs:\n    ttl: 6\n    loop_wait: 1\n    retry_timeout: 2\n    master_start_timeout: 0\n"
            "    synchronous_mode: true\n    postgresql:\n      use_pg_rewind: true\n      parameters:\n"
            f"{parameters}  initdb:\n  - encoding: UTF8\n  - locale: C\n  - no-sync\n"
            f"postgresql:\n  listen: 127.0.0.1:{node.port}\n  connect_address: 127.0.0.1:{node.network.port}\n"
            f"  data_dir: {node.data}\n  bin_dir: {programs}\n  pgpass: {node.folder}/pgpass\n"
            "  remove_data_directory_on_diverged_timelines: true\n"
            "  remove_data_directory_on_rewind_failure: true\n"
            "  authentication:\n    superuser: {username: signet, password: none}\n"
            "    replication: {username: replicator, password: none}\n"
            f"  parameters: {{unix_socket_directories: {node.folder}}}\n  pg_hba:\n{trust}"
        )
        node.started = self.run("patroni", str(configuration), log=node.name, folder=node.folder)


@contextlib.contextmanager
def running(kind: type[Cluster]) -> Iterator[Cluster]:
    """Provide a cluster that runs and is whole. Skips the test if its programs are not installed."""
    for program in kind.needs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; plain streaming replication is tested in any case")
    cluster = kind()
    try:
        cluster.start()
        yield cluster
    except BaseException:
        for log in sorted(cluster.services.folder.glob("*.log")):
            print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-12:], sep="\n")
        raise
    finally:
        cluster.stop()
