"""What `tests.support.forking` forks processes from: it has imported Signet, and nothing of the tests.

python -m tests.support.fork_server SOCKET
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading

from provider import cli

IMPORTED = (
    "alembic.config",
    "dramatiq.brokers.redis",
    "encodings.idna",
    "opentelemetry.sdk.metrics",
    "provider.__main__",
    "provider.operators.as_code.plans",
    "provider.demo",
    "provider.observability.json_lines",
    "provider.serve",
    "provider.transfer",
    "provider.worker.background",
    "psycopg",
    "redis.asyncio",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    *(f"provider.cli.{module.name}" for module in pkgutil.iter_modules(cli.__path__)),
)
"""What commands load when they need it. Without `prometheus_client`: it reads its folder from the environment then."""


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
    if not streams:  # somebody looked whether we are there
        os._exit(0)
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
