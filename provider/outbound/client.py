"""The HTTP client for other servers (A-101, A-103).

Each exchange has its own connection (`connection`). There are no redirects, cookies, proxies from the environment, or
compressed responses.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, urlencode

from provider.config.settings import Settings
from provider.outbound.addresses import Lookup, networks, split
from provider.outbound.answers import Answer, OutboundFailed

FAILURE_KEPT = timedelta(seconds=10)
"""How long a server that did not answer is not asked again, so that no request waits for it meanwhile."""
MOST_FAILURES = 1000
MOST_HEADERS = 16 * 1024
"""The bytes that the headers of a response may take beside a document whose size is limited."""
ANY_JSON = "application/*+json"
IS_JSON = re.compile(r"application/[a-z0-9!#$&^_.-]+\+json").fullmatch


def _as_it_is(_method: str, _host: str) -> AbstractContextManager[object]:
    return nullcontext()


def ask_system(host: str, port: int) -> list[Any]:
    """Resolve a host with the system's resolver: the hosts file, then DNS."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Outbound:
    """The client of a process, shared by its threads. Rules get it from `work.outbound`."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime], lookup: Lookup = ask_system) -> None:
        self._settings = settings
        self._allowed = networks(settings.outbound_allow)
        self._clock = clock
        self._lookup = lookup
        self._failures: dict[str, tuple[datetime, OutboundFailed]] = {}
        self._lock = threading.Lock()
        self.around: Callable[[str, str], AbstractContextManager[object]] = _as_it_is
        """The context manager around each exchange, given its method and host: used by `tracing`."""

    def fetch(
        self, url: str, *, accept: Collection[str], most: int | None = None, may_be_private: bool = True
    ) -> Answer:
        """Return the document at this URL, which must answer 200 with one of these types.

        `application/*+json` accepts each type with that suffix (RFC 6839 section 3.1). `most` is the largest document
        in bytes. Without `may_be_private` only public addresses are reached, whatever the operator allows.
        Raises OutboundFailed, and again for FAILURE_KEPT after a failure.
        """
        with self._unless_failing(url):
            return self._fetch(url, accept, most, may_be_private=may_be_private)

    def deliver(self, url: str, form: Mapping[str, str]) -> Answer:
        """Post a form that can be retried later. Raises OutboundFailed, and again for FAILURE_KEPT after a failure."""
        with self._unless_failing(url):
            return self.post_form(url, form)

    def deliver_json(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a JSON body that can be retried later. Raises OutboundFailed, and again for FAILURE_KEPT after a
        failure.
        """
        return self.deliver_body(url, body, {**headers, "Content-Type": "application/json"})

    def deliver_body(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body of the type in `headers` that can be retried later. Raises OutboundFailed, and again for
        FAILURE_KEPT after a failure.
        """
        with self._unless_failing(url):
            return self._exchange("POST", url, headers, body)

    def request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, *, most: int, seconds: float
    ) -> Answer:
        """Return the response to any request, with any status, of at most `most` bytes within so many seconds. Raises
        OutboundFailed.
        """
        return self._exchange(method, url, headers, content, most=most, seconds=seconds)

    def find_addresses(self, host: str, port: int, *, encrypted: bool) -> list[str]:
        """Return the addresses of a host that may be reached, for a protocol that is not HTTP. The caller connects to
        one of them, and not to the name, which may have other addresses by then. Raises OutboundFailed.
        """
        from provider.outbound.connection import CheckedNetwork  # noqa: PLC0415  # as in `_exchange`

        network = CheckedNetwork(self._lookup, self._allowed, encrypted=encrypted)
        try:
            return [place[0] for _, place in network.find_places(host, port)]
        except TimeoutError:
            raise OutboundFailed(f"{host} does not resolve in time") from None

    def forget_failures(self) -> None:
        """Ask the next time also those servers that failed a moment ago. The test kit does so between tests."""
        with self._lock:
            self._failures.clear()

    @contextmanager
    def _unless_failing(self, url: str) -> Iterator[None]:
        now = self._clock()
        at, before = self._failures.get(url, (now, None))
        if before is not None and timedelta(0) <= now - at < FAILURE_KEPT:
            again = f"{before.reason} (a moment ago; not asked again yet)"
            raise type(before)(again, status=before.status, until=at + FAILURE_KEPT)
        try:
            yield
        except OutboundFailed as failed:
            with self._lock:
                if len(self._failures) >= MOST_FAILURES:
                    self._failures.clear()
                self._failures[url] = (now, failed)
            raise
        self._failures.pop(url, None)

    def _fetch(self, url: str, accept: Collection[str], most: int | None, *, may_be_private: bool) -> Answer:
        headers = {"Accept": ", ".join(dict.fromkeys("application/json" if one == ANY_JSON else one for one in accept))}
        answer = self._exchange("GET", url, headers, None, most=most, may_be_private=may_be_private)
        if answer.status != 200:
            raise OutboundFailed(f"it answered {answer.status}", status=answer.status)
        if answer.content_type not in accept and not (ANY_JSON in accept and IS_JSON(answer.content_type)):
            raise OutboundFailed(f"it answered with {answer.content_type[:60] or 'no type'}", status=answer.status)
        if most is not None and len(answer.body) > most:
            raise OutboundFailed(f"the document is longer than {most} bytes", status=answer.status)
        return answer

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the response to a GET, with any status. Raises OutboundFailed."""
        return self._exchange("GET", url, headers or {}, None)

    def post_form(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
        """Post an urlencoded form and return the response, with any status. Raises OutboundFailed."""
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._exchange("POST", url, {**(headers or {}), **form_type}, urlencode(form).encode())

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The TLS settings, with the system's certificate authorities and the operator's own."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._settings.outbound_ca is not None:
            context.load_verify_locations(cafile=self._settings.outbound_ca)
        return context

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        most: int | None = None,
        seconds: float | None = None,
        may_be_private: bool = True,
    ) -> Answer:
        parts, host, port = _split(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {
            "Host": host if port is None else f"{host}:{port}",
            "User-Agent": "signet",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        from provider.outbound import connection  # noqa: PLC0415  # loads httpcore2, which commands seldom need

        network = connection.CheckedNetwork(
            self._lookup,
            self._allowed if may_be_private else (),
            encrypted=parts.scheme == "https",
            most=connection.MAX_ANSWER if most is None else most + MOST_HEADERS,
            seconds=connection.TIMEOUT if seconds is None else seconds,
        )
        with self.around(method, host):
            return connection.exchange(
                method,
                target,
                scheme=parts.scheme,
                host=host,
                port=port,
                headers=own | dict(headers),
                content=content,
                tls=self._tls,
                network=network,
            )


def _split(url: str) -> tuple[SplitResult, str, int | None]:
    """Return the parts of a URL, its host, and its port unless it is the default.

    Raises OutboundFailed for a URL that may not be requested.
    """
    try:
        return split(url)
    except ValueError as error:
        raise OutboundFailed(str(error)) from None
