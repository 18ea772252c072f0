"""`signet demo` as somebody starts it: a process of its own, and a browser that visits all of its sites."""

import json
import os
import random
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2

from tests.support import forking
from tests.support.browser import REDIRECTS, Browser, Page
from tests.support.forking import Forked
from tests.support.waiting import PATIENCE, wait_until

OFFSETS = (0, 1, 2, 3, 25)
CHEAP = {"SIGNET_BCRYPT_COST": "4"}
"""Signing in is what these tests do most; that it is dear is shown where passwords are tested."""


def demo_arguments(folder: Path, port: int, *, fresh: bool = False) -> list[str]:
    return ["demo", "--folder", str(folder), "--port", str(port), *(["--fresh"] if fresh else [])]


def free_ports() -> int:
    """A port that is free, as are those the demo takes beside it."""
    for _ in range(100):
        port = random.randrange(20000, 30000)
        with ExitStack() as stack:
            try:
                for offset in OFFSETS:
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return port
    raise AssertionError("no free ports")


@dataclass
class Demo:
    process: Forked
    folder: Path
    port: int

    @property
    def provider(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def web_app(self) -> str:
        return f"http://localhost:{self.port + 1}"

    @property
    def api(self) -> str:
        return f"http://localhost:{self.port + 2}"

    @property
    def single_page_app(self) -> str:
        return f"http://localhost:{self.port + 3}"

    @property
    def mailbox(self) -> str:
        return f"http://localhost:{self.port + 25}"

    @property
    def secrets(self) -> dict[str, str]:
        """Its passwords, as it keeps them in its folder once it is filled."""
        file = self.folder / "demo.json"
        text = wait_until(lambda: file.exists() and file.read_text(), of=self.process, log=lambda: self.output)
        read: dict[str, str] = json.loads(str(text))
        return read

    @property
    def output(self) -> str:
        return (self.folder.parent / "output").read_text()

    def stop(self) -> int:
        """Ctrl-C. Returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@contextmanager
def running_demo(folder: Path, **options: Any) -> Iterator[Demo]:
    """A demo that answers; stopped at the end if it was not before."""
    port = free_ports()
    with (folder.parent / "output").open("wb") as output:
        process = forking.start(
            demo_arguments(folder, port, **options), env=os.environ | CHEAP, stdout=output, stderr=output
        )
    demo = Demo(process, folder, port)
    try:
        url = f"{demo.provider}/.well-known/openid-configuration"
        wait_until(lambda: _answers(url), of=process, what="the demo did not answer", log=lambda: demo.output)
        yield demo
    finally:
        if process.poll() is None:
            demo.stop()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=PATIENCE).status_code == 200
    except httpx2.TransportError:
        return False


class Visitor(Browser):
    """A person's browser on all sites of a demo: like `Browser`, and follows redirects from one to the other."""

    def __init__(self) -> None:
        self.client: Any = httpx2.Client(timeout=PATIENCE)
        self.issuer = ""
        self.page: Page | None = None
        self.left_to = None

    def _send(self, method: str, url: str, *, headers: dict[str, str], **options: Any) -> Page:
        headers = {"accept": "text/html,*/*;q=0.8", **headers}
        response = self.client.request(method, url, headers=headers, **options)
        for _ in range(20):
            if response.status_code not in REDIRECTS:
                break
            target = urljoin(str(response.url), response.headers["location"])
            response = self.client.get(target, headers={"accept": "text/html,*/*;q=0.8"})
        self.page = Page(response)
        return self.page
