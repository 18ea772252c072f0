"""`signet` for a shell script: real commands in processes of their own, forked from one that has imported everything.
Importing it anew for each of a hundred commands would take minutes.

    python -m tests.support.forking SOCKET    the process they are forked from
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import wait_until

CLIENT = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({socket!r})
detached = "DETACHED" in os.environ
socket.send_fds(server, [b"+"], [0, 2 if detached else 1, 2])
server.sendall(json.dumps([sys.argv[1:], os.getcwd(), os.umask(0), dict(os.environ)]).encode())
server.shutdown(socket.SHUT_WR)
told = server.makefile()
pid = told.readline()
if detached:
    print(pid.strip())
    sys.exit(0)
sys.exit(int(told.readline() or 1))
"""
"""Hands its arguments, environment, folder and streams over, and ends as the command does."""


@contextmanager
def signet_in(folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Put a program `signet` into this folder. It works until the context ends, in its caller's environment."""
    program, address = folder / "signet", folder / "signet.socket"
    program.write_text(CLIENT.format(python=sys.executable, socket=str(address)))
    program.chmod(0o755)
    process = subprocess.Popen([sys.executable, "-m", "tests.support.forking", str(address)], env=environ)
    try:
        wait_until(address.exists, of=process, what="the commands were not loaded")
        yield
    finally:
        process.kill()
        process.wait()


def serve(address: str) -> None:
    for module in ("alembic.command", "psycopg", "provider.admin.as_code", "provider.serve", "provider.transfer"):
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(64)
    Path(f"{address}.new").rename(address)  # who finds it may connect
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
    arguments, folder, umask, environ = json.loads(caller.makefile().read())
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
        os._exit(be_signet(arguments))
    for stream in streams:
        os.close(stream)
    caller.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    try:
        caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    finally:
        os._exit(0)


def be_signet(arguments: list[str]) -> int:
    from provider.cli.run import run  # noqa: PLC0415

    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    try:
        return run(arguments)
    except BaseException:
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
