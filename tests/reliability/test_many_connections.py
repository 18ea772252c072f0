"""F-15 with a real service: silent sockets and slow clients leave room for others, also with few open files."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socket import create_connection

import pytest

from tests.support import forking
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


@pytest.mark.parametrize(("open_files", "crowd"), [(64, 30), (512, 200)])
def test_others_are_served_beside_those_who_wait(database_url: str, open_files: int, crowd: int) -> None:
    """Each of four kinds of clients opens `crowd` connections. The process neither ends nor fills its memory."""
    with served(database_url, open_files=open_files) as server, ExitStack() as stack:
        assert server.get("/oauth2/jwks")[0] == 200
        before, used = descriptors(server), memory(server)
        for sent in (SILENT, HALF_A_HEAD, HALF_A_BODY, NEVER_READ):
            for _ in range(crowd):
                with suppress(OSError):  # it made room, or found none, before it sent anything
                    client = stack.enter_context(create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
                    client.sendall(sent)
            # Newcomers are spared for a second. Then each request finds room at once.
            wait_until(lambda: server.get("/health/ready")[0] == 200, of=server.process)
            answers = [server.get(path)[0] for path in ("/health/ready", "/oauth2/jwks", "/login") * 5]
            assert answers == [200] * 15
            assert descriptors(server) < open_files
        assert memory(server) < used + 64 * MIB
        stack.close()
        wait_until(lambda: descriptors(server) <= before + 30)  # connections of the database may have been opened
        assert server.process.poll() is None
