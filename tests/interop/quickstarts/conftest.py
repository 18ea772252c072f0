"""A demo, a terminal for its reader, and a person who signs in to the app of a page."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from provider.demo.secrets import EMAIL
from tests.interop.conftest import allow_access
from tests.interop.quickstarts.page import ADD, DEMO_PORT, DEMO_PORTS, Block, Page, substituted
from tests.interop.quickstarts.versions import record, versions
from tests.support.chromium import Person
from tests.support.demo_process import Demo, running_demo
from tests.support.forking import signet_in
from tests.support.server_process import REPOSITORY, environment, free_port
from tests.support.waiting import PATIENCE, Found, wait_until

INSTALLING = 600
"""Seconds until a registry is given up."""
SUDO = 'exec "$@"\n'
"""Stands for `sudo` where the tests run as root."""
Follow = Callable[[Page], "Reader"]


@dataclass
class Reader:
    """Somebody who follows a page in an empty folder, in the terminal that docs/connect/index.md describes."""

    demo: Demo
    page: Page
    place: Path
    before: str
    ports: dict[int, int] = field(default_factory=dict)
    clients: list[tuple[str, str]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def folder(self) -> Path:
        """Where the page's app is."""
        return self.place / "app"

    @property
    def app(self) -> str:
        """The address of the app."""
        return f"http://localhost:{self.ports[self.page.ports[0]]}"

    @property
    def shown(self) -> str:
        """What the command that runs has printed."""
        return (self.place / "terminal").read_text("utf-8", "replace")

    def register(self) -> None:
        """Type the commands that register clients, and keep what they print."""
        for command in self.page.registrations:
            said = self.type([Block("sh", None, command)])
            printed = dict(line.split(maxsplit=1) for line in said.splitlines() if line.startswith("client_"))
            self.clients.append((printed["client_id"], printed.get("client_secret", "")))

    def type(self, steps: Sequence[Block]) -> str:
        """Do steps that end, and return what they print."""
        return self._run(*map(self._typed, steps))

    @contextmanager
    def typing(self, steps: Sequence[Block]) -> "Iterator[subprocess.Popen[bytes]]":
        """Do steps of which the last runs until it is stopped."""
        with (self.place / "terminal").open("wb") as output:
            process = subprocess.Popen(
                ["sh", "-c", self._script(*map(self._typed, steps))],
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE)

    def wait_for(self, process: "subprocess.Popen[bytes]", look: Callable[[], Found | None]) -> Found:
        """Wait as long as it may take to install an app and to start it."""
        what = "the app did not start"
        return wait_until(look, of=process, what=what, log=lambda: self.shown, every=0.2, patience=INSTALLING)

    def wait_for_app(self, process: "subprocess.Popen[bytes]") -> None:
        self.wait_for(process, lambda: _accepts_connections(self.ports[self.page.ports[0]]))

    def sign_in(self, person: Person) -> None:
        name = re.findall(r'--name "(.+?)"', self.page.registrations[-1])[0]
        allow_access(person, EMAIL, self.demo.secrets["password"], app=name)

    def expect(self, locator: Locator) -> None:
        """Wait for something on a page of the app."""
        try:
            locator.wait_for()
        except PlaywrightTimeout:
            page = locator.page
            raise AssertionError(f"{page.url}:\n{page.locator('body').inner_text()}\n{self.shown[-3000:]}") from None

    def record(self) -> None:
        """Write down that the page works, and with which versions."""
        found, seconds = versions(self.page, self.folder), time.monotonic() - self.started
        record(self.page, found, today=datetime.now(UTC).date(), seconds=seconds)

    def _typed(self, block: Block) -> str:
        """Return what the reader types for a block. A file is saved beforehand, and copied when its turn comes."""
        text = substituted(block.text, ports=self.ports, clients=self.clients)
        if block.file is None:
            return text
        name = block.file.removesuffix(ADD)
        saved = self.place / "saved" / name
        saved.parent.mkdir(parents=True, exist_ok=True)
        saved.write_text(text)
        return f"mkdir -p '{Path(name).parent}'; cat '{saved}' {'>>' if block.file.endswith(ADD) else '>'} '{name}'"

    def _run(self, *commands: str) -> str:
        done = subprocess.run(
            ["sh", "-c", self._script(*commands)],
            env=self._environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALLING,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def _script(self, *commands: str) -> str:
        return "\n".join(["set -eu", self.before, f"cd '{self.folder}'", *commands])

    def _environment(self) -> dict[str, str]:
        bare = {name: value for name, value in environment({}).items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        # There is no desktop here on which a browser could open.
        return bare | {"PATH": f"{self.place / 'bin'}:{os.environ['PATH']}", "BROWSER": "true"}


def _accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("localhost", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that stands for a checkout of Signet, with its command line in .venv/bin."""
    folder = tmp_path_factory.mktemp("signet")
    (folder / ".venv/bin").mkdir(parents=True)
    with signet_in(folder / ".venv/bin"):
        yield folder


@pytest.fixture(scope="session")
def demo(checkout: Path) -> Iterator[Demo]:
    with running_demo(checkout / "signet-demo") as demo:
        demo.wait_until_filled()
        yield demo


@pytest.fixture
def follow(demo: Demo, checkout: Path) -> Iterator[Follow]:
    """`follow(page)`: a reader who has registered the app."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)  # Apache reads its site as another user
        for name in ("app", "bin"):
            (place / name).mkdir()
        if os.getuid() == 0:
            (place / "bin/sudo").write_text(f"#!/bin/sh\n{SUDO}")
            (place / "bin/sudo").chmod(0o755)
        before_you_start = Page(REPOSITORY / "docs/connect/index.md").commands
        terminal = next(command for command in before_you_start if "SIGNET_DATABASE_URL" in command)

        def reader(page: Page) -> Reader:
            ports = {port: demo.port + port - DEMO_PORT for port in DEMO_PORTS}
            ports |= {port: free_port() for port in page.ports}
            before = f"cd '{checkout}'\n{substituted(terminal, ports=ports, clients=[])}"
            reader = Reader(demo, page, place, before, ports)
            reader.register()
            return reader

        yield reader
