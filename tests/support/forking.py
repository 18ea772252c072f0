"""Processes of Signet without its imports: forked from one that has imported everything, they cost a tenth.

A process started here is a real one: it has its own arguments, environment, folder and streams, and ends as it would.
What they are forked from is `fork_server.py`, one per run. Each of serve, worker and demo is also started for true:
`test_serve.py`, `test_topology.py`, `test_packaging.py`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.support.services import services
from tests.support.waiting import PATIENCE

SIGNET = "from provider.__main__ import main; main()"
"""What the process runs, as after `python -c`."""

CLIENT = """#!{python} -IS
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
detached = "DETACHED" in os.environ
socket.send_fds(server, [b"+"], [0, 2 if detached else 1, 2])
server.sendall(json.dumps([{code!r}, sys.argv[1:], os.getcwd(), os.umask(0), dict(os.environ)]).encode())
server.shutdown(socket.SHUT_WR)
told = server.makefile()
pid = told.readline()
if detached:
    print(pid.strip())
    sys.exit(0)
signal.signal(signal.SIGTERM, lambda *_: os.kill(int(pid), signal.SIGTERM))
sys.exit(int(told.readline() or 1))
"""
"""Hands its arguments, environment, folder and streams over, and ends as the command does."""


# Starting one


class Forked:
    """A process that runs: what the tests use of `subprocess.Popen`."""

    def __init__(self, server: socket.socket) -> None:
        self._told = server
        self._status = b""
        self.pid = int(self._line())
        self.returncode: int | None = None

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self._told.recv(1) or b"\n"
        return line

    def poll(self) -> int | None:
        if self.returncode is None:
            self._told.settimeout(0)
            self._listen()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired, as Popen does."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            self._listen()
        if self.returncode is None:
            raise subprocess.TimeoutExpired("signet", timeout or 0)
        return self.returncode

    def _listen(self) -> None:
        try:
            self.returncode = int(self._line())
        except (BlockingIOError, TimeoutError):
            return
        self._told.close()

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Running = subprocess.Popen[Any] | Forked


def start(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    code: str = SIGNET,
    stdin: IO[Any] | int | None = None,
    stdout: IO[Any] | int | None = None,
    stderr: IO[Any] | int | None = None,
) -> Forked:
    """Start `signet` with these arguments, or other code with them. A stream that is not given is /dev/null."""
    server = socket.socket(socket.AF_UNIX)
    server.connect(services.require("signet"))
    with Path(os.devnull).open("r+b", buffering=0) as nothing:
        streams = [
            nothing.fileno() if stream is None else stream if isinstance(stream, int) else stream.fileno()
            for stream in (stdin, stdout, stderr)
        ]
        socket.send_fds(server, [b"+"], streams)
    server.sendall(json.dumps([code, list(arguments), str(Path.cwd()), 0o022, dict(env)]).encode())
    server.shutdown(socket.SHUT_WR)
    return Forked(server)


def run(
    arguments: Sequence[str], *, env: Mapping[str, str], code: str = SIGNET, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        status = start(arguments, env=env, code=code, stdin=given, stdout=out, stderr=err).wait(PATIENCE)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(arguments), status, out.read().decode(), err.read().decode())


@contextmanager
def signet_in(folder: Path) -> Iterator[None]:
    """Put a program `signet` into this folder, which runs in its caller's environment. It works until the run ends."""
    program = folder / "signet"
    program.write_text(CLIENT.format(python=sys.executable, address=services.require("signet"), code=SIGNET))
    program.chmod(0o755)
    yield
