"""Addresses to listen on: reserved before any process serves there, and shared by the processes of a service."""

import ctypes
import select
import socket
import struct
from typing import Any

from provider.config.environment import SettingsError


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket that reserves the address without listening, so that workers can share it.

    Raises SettingsError if the address is not available.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # Without SO_REUSEPORT, so that another server on this port is noticed instead of joined.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        return bind(family, address)
    except OSError as error:
        raise SettingsError(f"cannot serve on {host}:{port}: {error.strerror}") from None


def share(address: tuple[str, int]) -> socket.socket:
    """Return a new socket on an address that `reserve` holds."""
    return bind(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, address)


def bind(family: int, address: Any) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(address)
    return bound


_SO_ATTACH_FILTER = 26
# Classic BPF over a TCP header: whose flags (byte 13) have SYN set is not let in, everything else is.
_NO_SYN = struct.pack(
    "=" + "HBBI" * 4, *(0x30, 0, 0, 13), *(0x45, 0, 1, 2), *(0x06, 0, 0, 0), *(0x06, 0, 0, 0xFFFFFFFF)
)


def reject_connections(listener: socket.socket) -> None:
    """Reject new connections, and keep the existing ones.

    Closing a socket would reset the connections in its queue, with requests that no proxy may send again. Rejected
    clients retry after a second, and then reach no process or another one.

    It works on Linux; elsewhere it does nothing.
    """
    instructions = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
    try:
        filter_ = struct.pack("@HP", len(_NO_SYN) // 8, ctypes.addressof(instructions))
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
    except OSError:
        return


def awaits_accept(listener: socket.socket) -> bool:
    """Return whether a connection waits to be accepted. Closing the socket now would reset it."""
    waiting = select.poll()
    waiting.register(listener, select.POLLIN)
    return bool(waiting.poll(0))
