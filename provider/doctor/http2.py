"""One request with HTTP/2 (RFC 9113), written by hand: only the body of the answer is read, and not its headers."""

import socket
import struct
import time
from contextlib import suppress

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK, PADDED = 0x1, 0x4, 0x1, 0x8
STREAM = 1
MOST = 1 << 16
"""The largest body that is read, in bytes: the window that a client gives without saying so."""
SECONDS = 5.0


class NotSpoken(Exception):
    """The server did not answer in HTTP/2. The text says what it did, after `it`."""


def get(sock: socket.socket, authority: str, path: str) -> bytes:
    """Ask for a path over a connection for which HTTP/2 was agreed, and return the body. Raises NotSpoken, OSError."""
    block = b"".join(
        (
            b"\x82",  # :method GET, of the static table (RFC 7541 appendix A)
            b"\x87",  # :scheme https
            _literal(1, authority),  # :authority
            _literal(4, path),  # :path
            _literal(58, "signet-doctor"),  # user-agent
        )
    )
    sock.sendall(PREFACE + _frame(SETTINGS, 0, 0) + _frame(HEADERS, END_STREAM | END_HEADERS, STREAM, block))
    return _answer(sock)


def _literal(index: int, value: str) -> bytes:
    """Return a header whose name is in the static table, as a literal without indexing (RFC 7541 section 6.2.2)."""
    name = bytes([index]) if index < 15 else bytes([15, index - 15])
    text = value.encode("latin-1")
    length = bytes([len(text)]) if len(text) < 127 else b"\x7f" + _number(len(text) - 127)
    return name + length + text


def _number(value: int) -> bytes:
    """Return the rest of an integer of HPACK (RFC 7541 section 5.1)."""
    found = bytearray()
    while value >= 128:
        found.append(value % 128 + 128)
        value //= 128
    return bytes([*found, value])


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def _answer(sock: socket.socket) -> bytes:
    """Read frames until the stream ends (RFC 9113 section 4.1)."""
    body, until, began = b"", time.monotonic() + SECONDS, False
    while time.monotonic() < until and len(body) < MOST:
        head = _exactly(sock, 9)
        length = struct.unpack("!I", b"\x00" + head[:3])[0]
        kind, flags, stream = struct.unpack("!BBI", head[3:])
        if length > MOST or (not began and kind != SETTINGS):
            raise NotSpoken("answers with something else than HTTP/2")
        began = True
        payload = _exactly(sock, length)
        if kind == GOAWAY or (kind == RST_STREAM and stream == STREAM):
            raise NotSpoken("ends the request with an error of HTTP/2")
        if kind in {SETTINGS, PING} and not flags & ACK:
            with suppress(OSError):  # a server that has sent its answer may be gone
                sock.sendall(_frame(kind, ACK, 0, payload if kind == PING else b""))
        if stream == STREAM and kind == DATA:
            body += payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
        if stream == STREAM and kind in {DATA, HEADERS} and flags & END_STREAM:
            return body
    raise NotSpoken("does not end its answer")


def _exactly(sock: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = sock.recv(length - len(found))
        if not part:
            raise NotSpoken("closes the connection")
        found += part
    return found
