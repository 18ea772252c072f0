"""The set-up of docs/start/install-postgresql.md as plain processes: nginx, two nodes, a worker, PostgreSQL, Redis.

Started once for the tests of this folder. A sink takes the letters.
"""

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis

from tests.mail.smtp_sink import Sink, smtp_sink
from tests.support.browser import Browser
from tests.support.certificates import Authority
from tests.support.databases import create_postgres_database
from tests.support.installation import SECRET_KEY
from tests.support.nginx import configuration, find_nginx, nginx
from tests.support.server_process import Serving, environment, free_port, serving, signet
from tests.support.services import services
from tests.support.waiting import PATIENCE, wait_until


@dataclass
class Topology:
    issuer: str
    settings: dict[str, str]
    ports: tuple[int, int]
    letters: Sink
    trusted: ssl.SSLContext
    nodes: dict[int, tuple[Serving, ExitStack]]
    """Port -> the node there, and what ends it at the end of the tests."""
    clients: ExitStack
    """Closes the connections that were made."""
    http_port: int
    """Where nginx sends browsers that come with http to https."""

    def http(self) -> httpx2.Client:
        """A program's connection, through nginx."""
        return self.clients.enter_context(httpx2.Client(base_url=self.issuer, verify=self.trusted, timeout=PATIENCE))

    def browser(self) -> Browser:
        """A person's, through nginx."""
        return Visitor(self)

    def signet(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """An operator's command, in a process of its own."""
        done = signet(*arguments, settings=self.settings, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done

    def start(self, port: int) -> Serving:
        stack = ExitStack()
        node = stack.enter_context(serving(self.settings, port=port, workers=2))
        self.nodes[port] = node, stack
        return node

    def restart(self, port: int) -> None:
        """Restart a node as `systemctl restart` does: SIGTERM, wait, start, wait until it is ready.

        Every process gets the signal, as with systemd's default KillMode, and the parent passes it on as well.
        """
        node, stack = self.nodes[port]
        for worker in node.workers():
            os.kill(worker, signal.SIGTERM)
        assert node.stop() == 0
        stack.close()
        self.start(port)

    def stop(self) -> None:
        """Stop every node immediately."""
        for _, stack in self.nodes.values():
            stack.close()

    def ask_node(self, port: int, method: str, path: str, **options: Any) -> httpx2.Response:
        """Past nginx, at one node."""
        headers = {"host": self.issuer.removeprefix("https://"), **options.pop("headers", {})}
        return httpx2.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, timeout=PATIENCE, **options)


class Visitor(Browser):
    """Like `Browser`, over the network."""

    def __init__(self, topology: Topology) -> None:
        self.client: Any = topology.http()
        self.issuer = topology.issuer
        self.page, self.left_to, self.history = None, None, []


@pytest.fixture(scope="module")
def topology(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    find_nginx()
    folder = tmp_path_factory.mktemp("topology")
    authority = Authority(folder)
    certificate = authority.issue_file("localhost")
    redis_url = f"{services.require('Redis')}?db={14 if worker_id == 'main' else 13 - int(worker_id[2:])}"
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    port, http_port, first, second = free_port(), free_port(), free_port(), free_port()
    with ExitStack() as stack:
        sink = stack.enter_context(smtp_sink())
        settings = {
            "SIGNET_ISSUER": f"https://localhost:{port}",
            "SIGNET_DATABASE_URL": create_postgres_database(f"signet_{worker_id}_topology"),
            "SIGNET_REDIS_URL": redis_url,
            "SIGNET_SECRET_KEY": SECRET_KEY,
            "SIGNET_SMTP_HOST": "127.0.0.1",
            "SIGNET_SMTP_PORT": str(sink.port),
            "SIGNET_SMTP_TLS": "none",
            "SIGNET_TRUSTED_PROXIES": "127.0.0.1",
            "SIGNET_BCRYPT_COST": "4",
            "SIGNET_KEY_CACHE": "1",
        }
        trusted = ssl.create_default_context(cafile=authority.file)
        topology = Topology(
            settings["SIGNET_ISSUER"],
            settings,
            (first, second),
            sink,
            trusted,
            {},
            stack.enter_context(ExitStack()),
            http_port,
        )
        topology.signet("migrate")
        stack.enter_context(worker(settings, folder))
        stack.callback(topology.stop)
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(topology.start, topology.ports))
        signet_conf = configuration(port=port, http_port=http_port, nodes=topology.ports, certificate=certificate)
        stack.enter_context(nginx(folder, port=port, signet_conf=signet_conf))
        yield topology


def worker(settings: dict[str, str], folder: Path) -> ExitStack:
    """Start `signet worker`. It ends with the stack."""
    stack = ExitStack()
    log_file = folder / "worker.log"
    with log_file.open("wb") as log:
        command = [sys.executable, "-m", "provider", "worker"]
        process = subprocess.Popen(command, env=environment(settings), stderr=log)

    def stop() -> None:
        process.terminate()
        assert process.wait(PATIENCE) == 0

    stack.callback(stop)
    wait_until(lambda: "worker.started" in log_file.read_text(), of=process, what="the worker does not start")
    return stack
