"""What a guide is tried with: a Signet of its own over HTTPS, the app as a process, and people at a browser.

Nothing is changed in what a guide prints, except addresses, ports and secrets: `Workbench.stand_ins` has all of them.
"""

import contextlib
import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page

from tests.interop.apps.guide import ISSUER, SECRET, Guide, substituted
from tests.interop.apps.install import Cache
from tests.support.certificates import Authority
from tests.support.chromium import Person
from tests.support.factories import PASSWORD
from tests.support.installation import SECRET_KEY
from tests.support.server_process import environment, free_port
from tests.support.waiting import PATIENCE, wait_until

STARTING = 900
"""Seconds until an app that does not answer is given up. Some take minutes on a busy machine."""
SIGNET = [sys.executable, "-m", "provider"]
NAME, EMAIL = "Ada Lovelace", "ada@example.com"
OTHER_NAME, OTHER_EMAIL = "Charles Babbage", "charles@example.com"
"""Somebody to whom no guide gives a role."""


@dataclass
class Workbench:
    """Everything for one guide. Processes that it starts end with it."""

    guide: Guide
    cache: Cache
    folder: Path
    authority: Path
    """The certificate that apps have to trust to reach Signet."""
    certificate: Path
    """A certificate of that authority for `localhost`, with its key."""
    issuer: str
    browser: Browser
    stack: ExitStack
    stand_ins: dict[str, str] = field(default_factory=dict)
    """What the guide prints -> what is used in this run."""
    settings: dict[str, str] = field(default_factory=dict)

    # What the reader of the guide does

    def app_at(self, printed: str, *, host: str = "localhost") -> str:
        """Choose where the app listens that the guide has at this URL, and return it."""
        url = f"http://{host}:{free_port()}"
        self.stand_ins[printed] = url
        return url

    def port_for(self, printed: str) -> int:
        """Choose a port for an address that the guide prints, such as 127.0.0.1:4180."""
        port = free_port()
        self.stand_ins[printed] = f"{printed.rpartition(':')[0]}:{port}"
        return port

    @staticmethod
    def free_port() -> int:
        """Return a free port, for what no guide mentions."""
        return free_port()

    def type_commands(self) -> None:
        """Type the `signet` commands of the guide, and keep the secret that is shown once."""
        for line in self.guide.commands:
            said = self._typed(["bash", "-euo", "pipefail", "-c", substituted(line, self.stand_ins)])
            for printed in said.splitlines():
                if printed.startswith("client_secret "):
                    self.stand_ins[SECRET] = printed.split()[1]

    def signet(self, *arguments: str, stdin: str = "") -> str:
        """Run one command to its end, and return what it prints."""
        return self._typed([*SIGNET, *arguments], stdin)

    def _typed(self, command: list[str], stdin: str = "") -> str:
        env = environment(self.settings)
        env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
        done = subprocess.run(
            command, env=env, input=stdin, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def user_id(self, email: str) -> str:
        """Return the ID of a user, which is the claim `sub`."""
        return str(json.loads(self.signet("user", "show", email, "--json"))["id"])

    def text_of(self, title: str) -> str:
        """Return a block of the guide for this run."""
        return substituted(self.guide.block(title).text, self.stand_ins)

    def write(self, title: str, path: Path | str) -> Path:
        """Write a block of the guide into a file of this run's folder."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text_of(title))
        return file

    # The app

    @property
    def environment(self) -> dict[str, str]:
        """The environment of an app: without Signet's settings, and with trust in the authority of this run."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNET_", "PYTHON"))}
        trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return kept | dict.fromkeys(trust, str(self.authority)) | {"HOME": str(self.folder)}

    def run(self, *command: str | Path, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """Run a command of the app to its end, and return what it prints."""
        done = subprocess.run(
            [str(word) for word in command], cwd=self.folder, env=self.environment | dict(env or {}), input=stdin,
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout

    def begin(self, *command: str | Path, env: Mapping[str, str] | None = None) -> "Command":
        """Begin a command of the app that ends by itself after someone has signed in."""
        log = self.folder / "command.log"
        log.unlink(missing_ok=True)
        ran = running(command, folder=self.folder, env=self.environment | dict(env or {}), log=log)
        return Command(self.stack.enter_context(ran), log)

    def start(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        ready: str,
        status: Sequence[int] = (200,),
    ) -> None:
        """Start the app, and wait until `ready`, a URL of it, answers with one of these statuses."""
        process = self.stack.enter_context(
            running(command, folder=self.folder, env=self.environment | dict(env or {}), log=self.folder / "app.log")
        )
        deadline = time.monotonic() + STARTING
        while not answers(ready, status, self.trust):
            log = (self.folder / "app.log").read_text("utf-8", "replace")[-6000:]
            assert process.poll() is None, f"{self.guide.name} ended with status {process.returncode}. {log}"
            assert time.monotonic() < deadline, f"{self.guide.name} did not answer at {ready}. {log}"
            time.sleep(0.3)

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client needs to reach Signet."""
        return ssl.create_default_context(cafile=self.authority)

    def explained(self, error: str) -> str:
        """Return an error text of the app, after checking that the guide says what to do about it."""
        assert f"| `{error}" in self.guide.text, f"the guide of {self.guide.name} does not explain: {error}"
        return error

    def wait_for_error(self, person: Person, error: str) -> None:
        """Wait until somebody sees an error of the app that the guide explains."""
        person.page.get_by_text(self.explained(error)).first.wait_for()

    # People

    def person(self) -> Person:
        """Return somebody at a browser of their own."""
        person = Person(self.browser.new_context(ignore_https_errors=True))
        self.stack.callback(person.context.close)
        return person

    def sign_in(self, person: Person, *, email: str = EMAIL) -> Page:
        """Sign somebody in at the page of Signet that they are on, and allow the app if that is asked."""
        person.page.wait_for_url(f"{self.issuer}/**")
        person.fill("Email address", email)
        person.fill("Password", PASSWORD)
        person.press("Sign in")
        allow = person.page.get_by_role("button", name="Allow", exact=True)
        with contextlib.suppress(Exception):
            wait_until(lambda: allow.is_visible() or not person.page.url.startswith(self.issuer), every=0.1)
            if allow.is_visible():
                allow.click()
        person.page.wait_for_url(lambda url: not url.startswith(self.issuer))
        return person.page


@dataclass(frozen=True)
class Command:
    """A command that has begun. `log` is what it prints."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def end(self, *, fails: bool = False) -> str:
        """Wait until the command has ended, and return what it printed. `fails` says whether it has to fail."""
        status = self.process.wait(PATIENCE)
        said = self.log.read_text("utf-8", "replace")
        assert (status != 0) is fails, f"status {status}: {said}"
        return said


def answers(url: str, status: Sequence[int], trust: ssl.SSLContext) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(url, timeout=PATIENCE, verify=trust).status_code in status
    return False


@contextmanager
def running(
    command: Sequence[str | Path], *, folder: Path, env: Mapping[str, str], log: Path
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a process with a group of its own. In the end the group is ended by its id, with all that it started."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)


@contextmanager
def workbench(guide: Guide, *, cache: Cache, folder: Path, browser: Browser) -> Iterator[Workbench]:
    """Start Signet on a free port of loopback, with two users."""
    authority = Authority(folder)
    port = free_port()
    certificate = authority.issue_file("localhost")
    issuer = f"https://localhost:{port}"
    settings: dict[str, Any] = {
        "SIGNET_ISSUER": issuer,
        "SIGNET_DATABASE_URL": f"sqlite:///{folder}/signet.db",
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_BCRYPT_COST": "4",
        "SIGNET_ENV": "test",
        "SIGNET_OUTBOUND_ALLOW": "127.0.0.0/8",
    }
    stand_ins = {ISSUER: issuer, ISSUER.removeprefix("https://"): issuer.removeprefix("https://")}
    with ExitStack() as stack:
        bench = Workbench(
            guide, cache, folder, authority.file, certificate, issuer, browser, stack, stand_ins, settings
        )
        bench.signet("migrate")
        for name, email in ((NAME, EMAIL), (OTHER_NAME, OTHER_EMAIL)):
            bench.signet(
                "user", "create", "--email", email, "--name", name, "--verified", "--password-stdin", stdin=PASSWORD
            )
        command = [*SIGNET, "serve", "--port", str(port), "--workers", "1", "--drain", "0"]
        command += ["--tls-cert", str(certificate), "--tls-key", str(certificate)]
        served = stack.enter_context(
            running(command, folder=folder, env=environment(settings), log=folder / "signet.log")
        )
        wait_until(lambda: accepts_connections(port), of=served, what="Signet did not start", every=0.1)
        yield bench


def accepts_connections(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        return True
    return False
