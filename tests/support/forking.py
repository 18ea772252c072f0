"""Processes of Signet without its imports: forked from one that has imported everything, they cost a tenth.

A process started here is a real one: it has its own arguments, environment, folder and streams, and ends as it would.
One per run is what they are forked from (`services`). Each of serve, worker and demo is also started for true:
`test_serve.py`, `test_topology.py`, `test_packaging.py`.

    python -m tests.support.forking SOCKET    the process they are forked from
"""

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.support.services import services
from tests.support.waiting import PATIENCE

IMPORTED = (
    "alembic.command",
    "psycopg",
    "provider.admin.as_code",
    "provider.cli.run",
    "provider.demo",
    "provider.serve",
    "provider.transfer",
    "provider.worker.background",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
)
SIGNET = "from provider.__main__ import main; main()"
"""What the process runs, as after `python -c`."""

CLIENT = """#!{python} -IS
import json, os, socket, sys
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


# The process they are forked from


def serve(address: str) -> None:
    for module in IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    while True:
        caller, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            attend(caller)
        caller.close()


def attend(caller: socket.socket) -> None:
    """Fork once more, say the child's pid, and how it ended. Does not come back."""
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    code, arguments, folder, umask, environ = json.loads(caller.makefile().read())
    child = os.fork()
    if child == 0:
        caller.close()
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        os.setsid()
        os.chdir(folder)
        os.umask(umask)
        os.environ.clear()
        os.environ.update(environ)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os._exit(execute(code, arguments))
    for stream in streams:
        os.close(stream)
    caller.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    try:
        caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    finally:
        os._exit(0)


def execute(code: str, arguments: list[str]) -> int:
    """Run code as an interpreter does. Returns the exit status."""
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    sys.argv = ["-c", *arguments]
    status = 0
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, and then what is to be done at exit
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    serve(sys.argv[1])
