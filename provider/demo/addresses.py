"""The addresses of the demo's parts: one socket each, on loopback only, all bound before anything starts."""

import errno
import socket
from dataclasses import dataclass

from provider.urls import is_loopback

WEB_APP, API, SINGLE_PAGE_APP, MAILBOX = 1, 2, 3, 25
"""The offsets from the provider's port. With the default port 8000: 8001, 8002, 8003 and 8025."""


@dataclass(frozen=True)
class Listener:
    """A listening socket and the URL it is reached at."""

    sock: socket.socket
    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class Addresses:
    provider: Listener
    web_app: Listener
    api: Listener
    single_page_app: Listener
    mailbox: Listener
    smtp: Listener

    @property
    def sites(self) -> tuple[Listener, ...]:
        """The listeners that speak HTTP."""
        return (self.provider, self.web_app, self.api, self.single_page_app, self.mailbox)


def take_addresses(host: str, port: int) -> Addresses:
    """Bind all sockets; port 0 picks free ones. Exits with a one-line message if that is not possible."""
    if not is_loopback(host):
        raise SystemExit(
            f"signet demo listens on loopback only, not on {host}. To listen on other addresses, use signet serve."
        )
    if port and not 0 < port <= 65535 - MAILBOX:
        raise SystemExit(f"signet demo needs a port between 1 and {65535 - MAILBOX}, not {port}.")
    return Addresses(
        provider=_listen(host, port),
        web_app=_listen(host, port and port + WEB_APP),
        api=_listen(host, port and port + API),
        single_page_app=_listen(host, port and port + SINGLE_PAGE_APP),
        mailbox=_listen(host, port and port + MAILBOX),
        smtp=_listen(host, 0),
    )


def _listen(host: str, port: int) -> Listener:
    address = "127.0.0.1" if host == "localhost" else host
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SystemExit(
                f"Port {port} is in use. Stop the program that uses it, or choose other ports: signet demo --port 9000"
            ) from None
        raise SystemExit(f"signet demo cannot listen on {host}:{port}: {error.strerror}") from None
    sock.setblocking(False)
    # A browser keeps cookies and secure-context rights for `localhost`, so that is the name people see.
    name = "localhost" if address == "127.0.0.1" else f"[{address}]" if ":" in address else address
    return Listener(sock, name, sock.getsockname()[1])
