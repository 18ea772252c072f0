"""`signet serve` as its own process on loopback, for what only a real process can show."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import forking
from tests.support.forking import Running
from tests.support.waiting import PATIENCE, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these SIGNET_* settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNET_")}
    return kept | {"PYTHONPATH": str(REPOSITORY)} | dict(settings)


def signet(*arguments: str, settings: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return forking.run(arguments, env=environment(settings), stdin=stdin)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@dataclass
class Serving:
    process: Running
    port: int
    host: str
    authority: Path | None = None
    """Whose certificate it shows, if it serves https."""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}" if self.authority is None else f"https://localhost:{self.port}"

    def get(self, path: str, timeout: float = PATIENCE) -> tuple[int, str]:
        """Status and body; status 0 when nobody answers."""
        request = urllib.request.Request(self.origin + path, headers={"host": self.host})
        trusted = None if self.authority is None else ssl.create_default_context(cafile=self.authority)
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=trusted) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.get("/health/ready")[0] == 200, of=self.process, what="it did not get ready")

    def workers(self) -> list[int]:
        """The pids of the processes that answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children] or [self.process.pid]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """The exit status."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(
    settings: Mapping[str, str],
    *options: str,
    workers: int = 1,
    port: int = 0,
    authority: Path | None = None,
    forked: bool = True,
    log: Path | None = None,
) -> Iterator[Serving]:
    """A service on this port, or on a free one, ready; stopped in the end, whatever happens. `forked` is a start
    without the imports; only without it a `log` is written.
    """
    port = port or free_port()
    arguments = ["serve", "--port", str(port), "--workers", str(workers), *options]
    host = settings.get("SIGNET_ISSUER", "http://localhost:8000").split("/")[2]
    env = environment(settings)
    if forked:
        process: Running = forking.start(arguments, env=env)
    else:
        command = [sys.executable, "-m", "provider", *arguments]
        with (log or Path(os.devnull)).open("ab") as written:
            process = subprocess.Popen(command, env=env, stdout=written, stderr=written)
    server = Serving(process, port, host, authority)
    try:
        server.wait_until_ready()
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # at once: SIGTERM would go on answering for a while
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
