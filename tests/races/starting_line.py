"""Many requests at one moment: every connection is open before a barrier releases them all."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from tests.races.servers import Server
from tests.support.waiting import PATIENCE

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Outcome:
    """Status 0: no whole answer came."""

    status: int
    body: dict[str, Any]

    @property
    def error(self) -> str | None:
        return self.body.get("error")


NO_ANSWER = Outcome(0, {})


@dataclass(frozen=True)
class Post:
    """An authenticated form for some server."""

    server: Server
    path: str
    form: dict[str, str]
    headers: dict[str, str]

    def connect(self) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        connection.connect()
        return connection

    def send(self, connection: HTTPConnection) -> Outcome:
        headers = {"host": self.server.host, "content-type": FORM, **self.headers}
        try:
            connection.request("POST", self.path, urlencode(self.form), headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, HTTPException):
            return NO_ANSWER
        return Outcome(response.status, json.loads(raw) if raw else {})

    def now(self) -> Outcome:
        """By itself, on a connection of its own."""
        try:
            connection = self.connect()
        except OSError:
            return NO_ANSWER
        try:
            return self.send(connection)
        finally:
            connection.close()


def race(posts: Sequence[Post]) -> list[Outcome]:
    """Their outcomes, in order, after sending them all at once."""
    outcomes: list[Outcome] = [NO_ANSWER] * len(posts)
    line = threading.Barrier(len(posts))

    def run(index: int) -> None:
        connection = posts[index].connect()
        try:
            line.wait(PATIENCE)
            outcomes[index] = posts[index].send(connection)
        finally:
            connection.close()

    together([lambda index=index: run(index) for index in range(len(posts))])  # type: ignore[misc]
    return outcomes


def together(functions: Sequence[Callable[[], None]]) -> None:
    """Each in a thread of its own, until all are done."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
        assert not thread.is_alive()
