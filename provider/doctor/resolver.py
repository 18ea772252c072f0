"""Names: the addresses of hosts, as this machine resolves them, and records of the DNS."""

import queue
import socket
import threading
from typing import Protocol

from provider.doctor.transport import Unreachable

TIMEOUT = 4.0
"""How long a lookup may take, in seconds."""


class NoSuchName(Exception):
    """The DNS says that this name does not exist, or has no such record. This is an answer, not an outage."""


class Resolver(Protocol):
    """A resolver for the questions of examinations about names."""

    def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host as this machine resolves it. Raises NoSuchName, Unreachable."""

    def records(self, name: str, kind: str) -> list[str]:
        """Return the records of a kind, such as MX or TXT, in the DNS's text form. TXT parts are joined.

        Raises NoSuchName, Unreachable.
        """


class SystemResolver:
    """The resolver of this machine."""

    def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host: the hosts file, then DNS. Raises NoSuchName, Unreachable."""
        answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                answers.put(error)
            else:
                answers.put(list(dict.fromkeys(str(each[4][0]) for each in found)))

        # The system's resolver takes no timeout.
        threading.Thread(target=look_up, name="resolver", daemon=True).start()
        try:
            answer = answers.get(timeout=TIMEOUT)
        except queue.Empty:
            raise Unreachable(host, "the name was not resolved in time") from None
        if isinstance(answer, list):
            return answer
        if isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN:
            raise Unreachable(host, "the name server does not answer")
        raise NoSuchName(host)

    def records(self, name: str, kind: str) -> list[str]:
        """Ask the name servers of this machine for records. Raises NoSuchName, Unreachable."""
        import dns.exception  # noqa: PLC0415  # only for these examinations
        import dns.resolver  # noqa: PLC0415

        try:
            answer = dns.resolver.resolve(name, kind, lifetime=TIMEOUT)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            raise NoSuchName(name) from None
        except (dns.exception.DNSException, OSError) as error:
            raise Unreachable(name, f"no {kind} record could be asked for ({type(error).__name__})") from None
        return [_as_text(record) for record in answer]


def _as_text(record: object) -> str:
    parts = getattr(record, "strings", None)
    return b"".join(parts).decode("utf-8", "replace") if parts is not None else str(record)
