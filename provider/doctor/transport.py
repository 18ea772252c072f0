"""HTTP and TLS as the examinations need them: to a chosen address, without redirects, with every header as it came.

`provider.outbound` is for calls of the service and hides such details. Here each exchange has a connection of its own,
limited in time and bytes.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from provider.doctor import http2, old_tls

TIMEOUT = 5.0
"""How long connecting, and each wait for bytes, may take, in seconds."""
MOST_BYTES = 1 << 20
"""The largest response that is read, in bytes."""


class Unreachable(Exception):
    """There was no answer: an outage, or no way from here. Never a verdict."""

    def __init__(self, where: str, reason: str, *, error: OSError | None = None) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason
        self.error = error


@dataclass(frozen=True)
class Response:
    """A response, with every header line in the order in which it came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = 0.0
    is_verified: bool = True
    """Whether the certificate was accepted. Without that, only what is public was sent."""

    def header(self, name: str) -> str | None:
        """Return the first line of this name, or None."""
        return next(iter(self.lines(name)), None)

    def lines(self, name: str) -> list[str]:
        """Return every line of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Handshake:
    """A TLS handshake that was completed, whether the certificate was accepted or not."""

    version: str
    alpn: str | None
    certificate: bytes
    """The server's certificate, in DER."""
    chain_length: int
    """How many certificates the server sent; 0 if this Python cannot say."""
    problem: str | None = None
    """Why the certificate was not accepted, in OpenSSL's words."""
    problem_code: int = 0
    """OpenSSL's number of that problem (X509_V_ERR_*)."""


class Transport(Protocol):
    """The ways in which examinations use the network."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        address: str | None = None,
        timeout: float = TIMEOUT,
        verified: bool = False,
    ) -> Response:
        """Send one request and return the response, without following redirects.

        With `address` the connection goes there, whatever the name resolves to. With `verified` a certificate that is
        not accepted counts as no answer. Raises Unreachable.
        """

    def connect(self, host: str, port: int, address: str) -> None:
        """Open a connection to an address and close it. Raises Unreachable."""

    def shake_hands(self, host: str, port: int, address: str) -> Handshake:
        """Complete a TLS handshake for a name at an address. Raises Unreachable."""

    def ask_with_http2(self, host: str, port: int, address: str, path: str) -> bytes:
        """Ask for a path with HTTP/2 and return the body, whatever the certificate. Raises NotSpoken, Unreachable."""

    def accepts_old_tls(self, host: str, port: int, address: str) -> str | None:
        """Return the name of the newest version before TLS 1.2 that the server accepts, or None. Raises Unreachable."""

    def accepts_weak_suites(self, host: str, port: int, address: str) -> list[str]:
        """Return what is wrong with weak suites that the server accepts, one text a kind. Raises Unreachable."""


@dataclass
class NetworkTransport:
    """The real network. `authorities` is a PEM file of authorities that are trusted besides the system's."""

    authorities: str | None = None
    _contexts: dict[bool, ssl.SSLContext] = field(default_factory=dict, repr=False)

    def _tls(self, *, verified: bool) -> ssl.SSLContext:
        if verified not in self._contexts:
            context = ssl.create_default_context()
            if self.authorities is not None:
                context.load_verify_locations(cafile=self.authorities)
            if not verified:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[verified] = context
        return self._contexts[verified]

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        address: str | None = None,
        timeout: float = TIMEOUT,
        verified: bool = False,
    ) -> Response:
        """Send one request. An unverified certificate is accepted unless `verified`, so that one problem hides no
        other. Raises Unreachable.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        began = time.monotonic()
        is_verified = True
        sock = self._open(host, port, address, timeout)
        if parts.scheme == "https":
            try:
                sock = self._encrypt(sock, host, verified=True)
            except ssl.SSLCertVerificationError as error:
                if verified:
                    raise Unreachable(url, f"its certificate is not valid: {error.verify_message}") from None
                is_verified = False
                sock = self._encrypt(self._open(host, port, address, timeout), host, verified=False)
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        connection.sock = sock
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {"Host": parts.netloc, "User-Agent": "signet-doctor", "Accept-Encoding": "identity"}
        names = {name.lower() for name in headers or {}}
        given = {name: value for name, value in own.items() if name.lower() not in names} | dict(headers or {})
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Connection", "close")
            connection.endheaders()
            if body:
                _send_body(connection, body)
            answer = connection.getresponse()
            content = answer.read(MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            os_error = error if isinstance(error, OSError) else None
            raise Unreachable(url, _in_words(error), error=os_error) from None
        finally:
            connection.close()
        lines = tuple((name, value) for name, value in answer.getheaders())
        return Response(answer.status, lines, content, time.monotonic() - began, is_verified)

    def _open(self, host: str, port: int, address: str | None, timeout: float) -> socket.socket:
        try:
            sock = socket.create_connection((address or host, port), timeout=timeout)
        except OSError as error:
            raise Unreachable(_place(host, port, address), _in_words(error), error=error) from None
        return sock

    def _encrypt(self, sock: socket.socket, host: str, *, verified: bool) -> ssl.SSLSocket:
        try:
            return self._tls(verified=verified).wrap_socket(sock, server_hostname=host)
        except ssl.SSLCertVerificationError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            raise Unreachable(host, _in_words(error), error=error) from None

    def connect(self, host: str, port: int, address: str) -> None:
        """Open a connection and close it. Raises Unreachable."""
        self._open(host, port, address, TIMEOUT).close()

    def shake_hands(self, host: str, port: int, address: str) -> Handshake:
        """Complete a handshake, a second time without verification if the certificate is not accepted."""
        context = ssl.create_default_context()
        if self.authorities is not None:
            context.load_verify_locations(cafile=self.authorities)
        context.set_alpn_protocols(["h2", "http/1.1"])
        said, code = None, 0
        for _ in range(2):
            sock = self._open(host, port, address, TIMEOUT)
            try:
                with context.wrap_socket(sock, server_hostname=host) as tls:
                    certificate = tls.getpeercert(binary_form=True) or b""
                    chain = _chain_length(tls)
                    return Handshake(tls.version() or "", tls.selected_alpn_protocol(), certificate, chain, said, code)
            except ssl.SSLCertVerificationError as error:
                said, code = error.verify_message, error.verify_code
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            except OSError as error:
                raise Unreachable(_place(host, port, address), _in_words(error), error=error) from None
            finally:
                sock.close()
        raise Unreachable(_place(host, port, address), "TLS failed")

    def ask_with_http2(self, host: str, port: int, address: str, path: str) -> bytes:
        """Ask for a path with HTTP/2. Nothing secret is sent, so any certificate is accepted."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        authority = host if port == 443 else f"{host}:{port}"
        with self._open(host, port, address, TIMEOUT) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=host) as tls:
                    return http2.get(tls, authority, path)
            except OSError as error:
                raise Unreachable(_place(host, port, address), _in_words(error), error=error) from None

    def accepts_old_tls(self, host: str, port: int, address: str) -> str | None:
        """Offer TLS 1.1, then 1.0, in a ClientHello of our own: our TLS library may refuse to speak them."""
        for name, version in old_tls.VERSIONS.items():
            if self._accepts(host, port, address, version, old_tls.CIPHERS):
                return name
        return None

    def accepts_weak_suites(self, host: str, port: int, address: str) -> list[str]:
        """Offer weak suites with TLS 1.2, one kind after the other."""
        weak = old_tls.WEAK.items()
        return [name for name, suites in weak if self._accepts(host, port, address, old_tls.TLS_1_2, suites)]

    def _accepts(self, host: str, port: int, address: str, version: int, suites: Sequence[int]) -> bool:
        with self._open(host, port, address, TIMEOUT) as sock:
            try:
                sock.sendall(old_tls.client_hello(version, host, suites))
                return old_tls.is_accepted(sock.recv(16), version)
            except OSError:
                return False  # closed: it does not speak it


def _send_body(connection: http.client.HTTPConnection, body: bytes) -> None:
    """Send a body. A server that answers before it was read, and closes, is asked for its answer all the same."""
    try:
        connection.send(body)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        return


def _place(host: str, port: int, address: str | None) -> str:
    return f"{host}:{port}" + (f" at {address}" if address not in {None, host} else "")


def _chain_length(tls: ssl.SSLSocket) -> int:
    inner = getattr(tls, "_sslobj", None)  # public only from Python 3.13 on
    chain = getattr(inner, "get_unverified_chain", None)
    return len(chain() or ()) if chain is not None else 0


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "there was no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, socket.gaierror):
        return "the name does not resolve"
    if isinstance(error, OSError):
        return f"no connection ({error.strerror or type(error).__name__})"
    return f"it does not answer in HTTP ({type(error).__name__})"
