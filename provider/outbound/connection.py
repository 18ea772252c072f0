"""One connection to a checked address, limited in time and bytes.

The name is resolved here, and the connection is to the same address that was checked. `httpcore2` then speaks TLS (for
the name) and HTTP over it. Every step checks the limits, so a server cannot extend the exchange, not even with a byte a
second.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any

import httpcore2

from provider.outbound.addresses import Lookup, Networks, may_be_reached
from provider.outbound.answers import Answer, OutboundFailed, OutboundRefused

TIMEOUT = 3.0
"""The most seconds for a whole exchange: name, connection, TLS, request and response."""
MAX_ANSWER = 64 * 1024
"""The largest response in bytes, headers included."""
MOST_ADDRESSES = 4
"""How many addresses of one name are tried."""


class Allowance:
    """The time and bytes that one exchange may take in total."""

    def __init__(self, most: int = MAX_ANSWER, seconds: float = TIMEOUT) -> None:
        self.allowed = seconds
        self._until = time.monotonic() + seconds
        self._most = self._room = most

    @property
    def seconds(self) -> float:
        """The seconds that are left. Raises TimeoutError if there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def take(self, data: bytes) -> bytes:
        self._room -= len(data)
        if self._room < 0:
            raise OutboundRefused(f"the answer is longer than {self._most // 1024} KiB")
        return data


class CheckedNetwork(httpcore2.NetworkBackend):
    """A network backend that connects only to addresses that may be reached."""

    def __init__(
        self,
        lookup: Lookup,
        allowed: Networks,
        *,
        encrypted: bool,
        most: int = MAX_ANSWER,
        seconds: float = TIMEOUT,
    ) -> None:
        self._lookup = lookup
        self._allowed = allowed
        self._encrypted = encrypted
        self._allowance = Allowance(most, seconds)

    @property
    def seconds(self) -> float:
        """How many seconds the whole exchange may take."""
        return self._allowance.allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        good = self.find_places(host, port)
        for left, (family, place) in zip(range(len(good), 0, -1), good, strict=True):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(self._allowance.seconds / left)  # one that is silent leaves time for the next
                sock.connect(place)
            except OSError:
                sock.close()
                if left == 1:
                    raise
            else:
                return _Stream(sock, self._allowance)
        raise AssertionError("the last address connects or raises")

    def find_places(self, host: str, port: int) -> list[tuple[Any, Any]]:
        """Return the family and the socket address of each address of a host that may be reached. Raises OutboundFailed
        or TimeoutError.
        """
        found = self._resolve(host, port)
        good = [(family, place) for family, *_, place in found if self._may_be_reached(place[0])][:MOST_ADDRESSES]
        if not good:
            raise OutboundRefused(f"{host} has no address that may be reached")
        return good

    def _may_be_reached(self, address: str) -> bool:
        return may_be_reached(ip_address(address), allowed=self._allowed, encrypted=self._encrypted)

    def _resolve(self, host: str, port: int) -> list[Any]:
        """Resolve a host in a thread, because the system's resolver takes no timeout."""
        answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._lookup(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        threading.Thread(target=ask, name="resolver", daemon=True).start()
        try:
            answer = answers.get(timeout=self._allowance.seconds)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(answer, Exception):
            raise OutboundFailed(f"{host} does not resolve")
        return answer


class _Stream(httpcore2.NetworkStream):
    """A connected socket within its allowance, which replaces the timeouts of httpcore2."""

    def __init__(self, sock: socket.socket, allowance: Allowance) -> None:
        self._sock = sock
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sock.settimeout(self._allowance.seconds)
        return self._allowance.take(self._sock.recv(max_bytes))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._sock.settimeout(self._allowance.seconds)
        self._sock.sendall(buffer)

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            self._sock.settimeout(self._allowance.seconds)
            self._sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return self


def exchange(
    method: str,
    target: str,
    *,
    scheme: str,
    host: str,
    port: int | None,
    headers: Mapping[str, str],
    content: bytes | None,
    tls: ssl.SSLContext,
    network: CheckedNetwork,
) -> Answer:
    """Send one request over a connection of its own and return the response. Raises OutboundFailed."""
    url = httpcore2.URL(scheme=scheme, host=host.strip("[]"), port=port, target=target)
    connection = httpcore2.HTTPConnection(url.origin, tls, network_backend=network)
    try:
        response = connection.request(method, url, headers=[*headers.items()], content=content)
    except (httpcore2.RemoteProtocolError, httpcore2.LocalProtocolError) as error:
        raise OutboundFailed(f"it does not answer in HTTP: {error}") from None
    except OSError as error:
        raise OutboundFailed(_in_words(error, network.seconds)) from None
    finally:
        connection.close()
    named = {name.lower(): value for name, value in response.headers}
    if not 200 <= response.status < 600 or 300 <= response.status < 400:
        raise OutboundFailed(f"it answered {response.status}; redirects are not followed", status=response.status)
    if named.get(b"content-encoding", b"identity").lower() != b"identity":
        raise OutboundFailed("it answered compressed, which was not asked for")
    content_type = named.get(b"content-type", b"").partition(b";")[0].strip().lower()
    texts = {name.decode("ascii", "replace"): value.decode("ascii", "replace") for name, value in named.items()}
    return Answer(response.status, content_type.decode("ascii", "replace"), response.content, texts)


def _in_words(error: OSError, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"there was no whole answer within {seconds:g} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    return f"no connection: {error.strerror or type(error).__name__}"
