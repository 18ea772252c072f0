"""The address that a test's Signet listens on: loopback only."""

import socket

ADDRESS = "127.0.0.1"
HOSTS = (ADDRESS, "localhost", "::1")
"""Where a test's Signet may listen."""


class NotLoopback(ValueError):
    """A host that other machines could reach."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"The test kit only listens on loopback ({', '.join(HOSTS)}), not on {host!r}. Its keys are public and it "
            "limits no attempts. To serve users, run `signet serve`."
        )


def require_loopback(host: str) -> None:
    """Raise NotLoopback for a host that other machines could reach."""
    if host not in HOSTS:
        raise NotLoopback(host)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Its protocol is named, because asyncio sends small packets at once (TCP_NODELAY) only then. Else each response of a
    kept connection would wait 40 ms for the client's acknowledgement.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening
