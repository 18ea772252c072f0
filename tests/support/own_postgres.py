"""A PostgreSQL of one test's own, to be killed, frozen and started again."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.support.services import Services, _wait_for, postgres_program


class OwnServer:
    """A server with its own data. The fixture `own_server` starts it, migrated."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.url = services.find("PostgreSQL").format(name="postgres")
        assert services.postgres is not None
        self.command: list[str] = services.postgres.args  # type: ignore[assignment]  # as `Services` starts it
        self.data = services.folder / "pg"
        self.owner = self.data.stat()

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the operator's."""
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)

    def stop(self) -> None:
        """Kill it; what was committed is on disk, which this server's fast settings do not promise."""
        assert self.services.postgres is not None
        with self.connect() as connection:
            connection.execute("CHECKPOINT")
        self.services.postgres.kill()
        self.services.postgres.wait()

    def kill(self) -> None:
        """Kill every process of it immediately. With the settings DURABLE, what was committed is on disk."""
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self.services.postgres is not None
        self.services.postgres.wait()

    def _processes(self) -> list[int]:
        """The pids of the server, and of those that it started."""
        assert self.services.postgres is not None
        parent = self.services.postgres.pid
        return [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]

    def start(self) -> None:
        who: dict[str, Any] = {"user": self.owner.st_uid, "group": self.owner.st_gid, "extra_groups": []}
        with (self.services.folder / "pg.log").open("ab") as log:
            self.services.postgres = subprocess.Popen(self.command, cwd=self.data, stdout=log, stderr=log, **who)
        _wait_for(lambda: self.connect().close(), self.services.postgres)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Within this, none of its processes runs: connections are accepted by the kernel, and nothing answers."""
        assert self.services.postgres is not None
        parent = self.services.postgres.pid
        os.kill(parent, signal.SIGSTOP)  # first: it must not start others
        processes = self._processes()
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


class Standby:
    """A hot standby of a server, on a socket in a folder of its own."""

    def __init__(self, primary: OwnServer) -> None:
        self.folder: Path = primary.services.folder / "standby"
        self._who: dict[str, Any] = {
            "user": primary.owner.st_uid,
            "group": primary.owner.st_gid,
            "extra_groups": [],
            "cwd": primary.data,
        }
        self.folder.mkdir(mode=0o700)
        os.chown(self.folder, primary.owner.st_uid, primary.owner.st_gid)
        copy = [postgres_program("pg_basebackup"), "-h", str(primary.data), "-U", "signet", "-D", str(self.folder)]
        subprocess.run([*copy, "-R", "-c", "fast"], check=True, capture_output=True, **self._who)
        for lock in self.folder.glob(".s.PGSQL*"):
            lock.unlink()
        command = [argument.replace(str(primary.data), str(self.folder)) for argument in primary.command]
        self._command = command
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._who
        )

    def answers(self) -> bool:
        try:
            psycopg.connect(host=str(self.folder), user="signet", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str) -> Any:
        """Run a statement of the operator's; return its first value."""
        with psycopg.connect(host=str(self.folder), user="signet", dbname="postgres", autocommit=True) as operator:
            return (operator.execute(statement).fetchone() or [None])[0]

    def promote(self) -> None:
        self.execute("SELECT pg_promote(false)")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
