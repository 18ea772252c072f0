"""Somebody else's server: a real one on loopback, over TLS or not, that behaves as badly as a test wants."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from tests.support.waiting import PATIENCE

Behaviour = Callable[[socket.socket, "Request"], None]


@dataclass(frozen=True)
class Request:
    """What was asked. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(
    body: bytes | str | dict[str, Any] = b"",
    content_type: str = "application/json",
    *,
    status: str = "200 OK",
    **headers: str,
) -> Behaviour:
    """The same decent answer to everything."""
    content = json.dumps(body) if isinstance(body, dict) else body
    data = content.encode() if isinstance(content, str) else content
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join([*lines, "", ""]).encode() + data)


def raw(data: bytes) -> Behaviour:
    return lambda connection, _request: connection.sendall(data)


class ForeignServer:
    """`with ForeignServer(context) as server:` serves until the block ends; `server.behaviour` may be changed."""

    def __init__(self, tls: ssl.SSLContext | None = None, behaviour: Behaviour | None = None, *, port: int = 0) -> None:
        self.tls = tls
        self.behaviour = behaviour or answer({})
        self.connections = 0
        self.requests: list[Request] = []
        self.names: list[str | None] = []
        """The host names that TLS asked for (SNI)."""
        self.stopped = threading.Event()
        """For behaviours that wait."""
        self._listener = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept)]
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def url(self, path: str = "/", host: str = "localhost") -> str:
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):  # accept() in the other thread wakes up
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):
            if self.tls is None:
                self._converse(connection)
                return
            with self.tls.wrap_socket(connection, server_side=True) as secure:
                self._converse(secure)

    def _converse(self, connection: socket.socket) -> None:
        request = _read(connection)
        if request is not None:
            self.requests.append(request)
            self.behaviour(connection, request)


def _read(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(4096)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(4096)
    return Request(method, target, headers, body)
