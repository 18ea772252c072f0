"""Stand-ins for the network of `signet doctor`: a proxy that a test breaks, names, and TLS."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.testclient import TestClient

from provider.doctor.examination import Case, Examination
from provider.doctor.findings import Finding
from provider.doctor.resolver import NoSuchName
from provider.doctor.run import examine
from provider.doctor.transport import Handshake, Response, Unreachable

CLOSED = frozenset({5432, 6379, 8000, 8001, 8080})
"""Ports that are closed unless a test opens them."""


@dataclass
class FakeResolver:
    """Names as a test says. A name that is `None` is an outage."""

    hosts: dict[str, list[str]] = field(default_factory=dict)
    known: dict[tuple[str, str], list[str] | None] = field(default_factory=dict)

    def addresses(self, host: str) -> list[str]:
        if host not in self.hosts:
            raise NoSuchName(host)
        return self.hosts[host]

    def records(self, name: str, kind: str) -> list[str]:
        found = self.known.get((name, kind), [])
        if found is None:
            raise Unreachable(name, "the name server does not answer")
        if not found:
            raise NoSuchName(name)
        return found


@dataclass
class FakeTransport:
    """A network in which `answers` decides about each request; what it raises or returns is the answer."""

    answers: Callable[..., Response]
    tls: Handshake | None = None
    http2: bytes | Exception = b'{"status":"ok"}'
    old_tls: str | None = None
    weak_suites: tuple[str, ...] = ()
    down: Mapping[str, OSError | None] = field(default_factory=dict)
    open_ports: frozenset[int] = frozenset()
    """Ports of the app and of databases that can be reached beside the proxy."""
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    def send(self, method: str, url: str, **options: Any) -> Response:
        headers = dict(options.get("headers") or {})
        self.asked.append((method, url, headers))
        if urlsplit(url).port in CLOSED - self.open_ports:
            raise Unreachable(url, "the connection is refused")
        return self.answers(method, url, headers, options.get("body"), options.get("address"))

    def connect(self, host: str, port: int, address: str) -> None:
        if port in CLOSED - self.open_ports:
            raise Unreachable(f"{host}:{port}", "the connection is refused")
        if address in self.down:
            raise Unreachable(f"{host}:{port}", "the connection is refused", error=self.down[address])

    def shake_hands(self, host: str, port: int, address: str) -> Handshake:
        self.connect(host, port, address)
        assert self.tls is not None
        return self.tls

    def ask_with_http2(self, host: str, port: int, address: str, path: str) -> bytes:
        self.connect(host, port, address)
        if isinstance(self.http2, Exception):
            raise self.http2
        return self.http2

    def accepts_old_tls(self, host: str, port: int, address: str) -> str | None:
        self.connect(host, port, address)
        return self.old_tls

    def accepts_weak_suites(self, host: str, port: int, address: str) -> list[str]:
        self.connect(host, port, address)
        return list(self.weak_suites)


def respond(status: int = 200, body: bytes = b"", **headers: str) -> Response:
    """A response; `content_type="text/html"` is a header."""
    return Response(status, tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)


Request = tuple[str, str, dict[str, str], bytes | None]
"""A method, a path with its query, headers, and a body."""
VISITOR = "198.51.100.9"


def forward(request: Request) -> Request:
    """What a proxy does that is configured as documented."""
    method, path, headers, body = request
    kept = {name: value for name, value in headers.items() if name.lower() not in {"x-forwarded-for", "client-cert"}}
    return method, path, {**kept, "X-Forwarded-For": VISITOR}, body


class Proxy:
    """The app of a test behind a proxy, which a test breaks: it replaces `forward`, `answer` or `change`."""

    def __init__(self, client: TestClient, origin: str) -> None:
        self.client, self.origin = client, origin
        self.forward: Callable[[Request], Request] = forward
        self.answer: Callable[[Request], Response | None] = lambda _: None
        """What the proxy answers itself."""
        self.change: Callable[[str, Response], Response] = lambda _, response: response
        """What it makes of a response, by the path."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, _address: str | None
    ) -> Response:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        own = {"Host": urlsplit(self.origin).netloc, "User-Agent": "signet-doctor", "Accept-Encoding": "identity"}
        request: Request = (method, path, {**own, **headers}, body)
        answered = self.answer(request)
        if answered is not None:
            return answered
        method, path, sent, body = self.forward(request)
        answer = self.client.request(method, self.origin + path, headers=sent, content=body)
        self.client.cookies.clear()
        lines = tuple(answer.headers.multi_items())
        return self.change(parts.path, Response(answer.status_code, lines, answer.content, 0.001))


def without(response: Response, *names: str) -> Response:
    """The response as a proxy passes it on that removes headers."""
    kept = tuple((name, value) for name, value in response.headers if name.lower() not in names)
    return Response(response.status, kept, response.body, response.seconds)


def with_header(response: Response, name: str, value: str) -> Response:
    """The response as a proxy passes it on that sets a header."""
    return Response(response.status, (*without(response, name).headers, (name, value)), response.body)


def found_by(case: Case, examinations: Iterable[Examination]) -> dict[str, Finding]:
    """What the examinations found that is not ok, by its id."""
    results = examine(case, list(examinations))
    return {each.id: each for result in results for each in result.findings if each.severity != "ok"}
