"""F-15 with a real service: silent sockets and slow clients leave room for others, also with few open files."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socket import create_connection, socket
from threading import Event, Thread

import pytest

from tests.support import forking
from tests.support.effort import effort
from tests.support.installation import SECRET_KEY
from tests.support.server_process import Serving, environment, free_port
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.race, pytest.mark.load, pytest.mark.slow]

SILENT = b""
HALF_A_HEAD = b"GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\n"
HALF_A_BODY = b"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\ngrant_type="
NEVER_READ = b"GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
MIB = 1 << 20


@contextmanager
def served(database_url: str, *, open_files: int) -> Iterator[Serving]:
    """A service of one process that may open so many files, ready."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({open_files},) * 2); {forking.SIGNET}"
    port = free_port()
    environ = {"SIGNET_DATABASE_URL": database_url, "SIGNET_SECRET_KEY": SECRET_KEY, "SIGNET_BCRYPT_COST": "4"}
    process = forking.start(
        ["serve", "--port", str(port), "--workers", "1", "--drain", "0"], env=environment(environ), code=limited
    )
    server = Serving(process, port, "localhost:8000")
    try:
        server.wait_until_ready()
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


def descriptors(server: Serving) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def memory(server: Serving) -> int:
    lines = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("Pss:")))


@contextmanager
def dripping(clients: list[socket]) -> Iterator[None]:
    """Each client sends one more byte and takes one of its response, again and again, until the service closes it."""
    done, dripped = Event(), Event()

    def drip() -> None:
        while not done.wait(0.1):
            for client in clients:
                with suppress(OSError):
                    client.send(b"x")
                    client.recv(1)
            dripped.set()

    for client in clients:
        client.setblocking(False)
    thread = Thread(target=drip)
    thread.start()
    try:
        assert dripped.wait(PATIENCE)
        yield
    finally:
        done.set()
        thread.join()


CROWDS = [(64, 30, 30), (512, 200, 200), *effort([], [(1024, 10_000, 500), (20_000, 10_000, 500)])]


@pytest.mark.parametrize(("open_files", "silent", "slow"), CROWDS)
def test_others_are_served_beside_those_who_wait(database_url: str, open_files: int, silent: int, slow: int) -> None:
    """Silent clients and three kinds of slow ones open connections. The process neither ends nor fills its memory."""
    with served(database_url, open_files=open_files) as server, ExitStack() as stack:
        assert server.get("/oauth2/jwks")[0] == 200
        before, used = descriptors(server), memory(server)
        for sent, crowd in ((SILENT, silent), (HALF_A_HEAD, slow), (HALF_A_BODY, slow), (NEVER_READ, slow)):
            clients = []
            for _ in range(crowd):
                with suppress(OSError):  # it made room, or found none, before it sent anything
                    client = stack.enter_context(create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
                    clients.append(client)
                    client.sendall(sent)
            with dripping(clients if sent else []):
                # Newcomers are spared for a second. Then each request finds room at once.
                wait_until(lambda: server.get("/health/ready")[0] == 200, of=server.process)
                began = time.monotonic()
                answers = [server.get(path)[0] for path in ("/health/ready", "/oauth2/jwks", "/login") * 5]
                print(len(clients), "clients:", descriptors(server), "descriptors", f"{time.monotonic() - began:.2f} s")
            assert answers == [200] * 15
            assert descriptors(server) < open_files
        print(f"{(memory(server) - used) / MIB:.0f} MiB more")
        assert memory(server) < used + 64 * MIB
        stack.close()
        wait_until(lambda: descriptors(server) <= before + 30)  # connections of the database may have been opened
        assert server.process.poll() is None
