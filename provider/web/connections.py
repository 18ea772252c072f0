"""The limits of one connection: the size of a request's head, and the time a request may take to arrive (F-15).

uvicorn limits the time between requests; these limits apply within one, and before the first. `serve` passes this class
to uvicorn. Bodies are limited by `web.bodies`.

A request to change the protocol is ignored (RFC 9110 section 7.8). The parser would drop the body of such a request.
Java's HTTP client, which Spring uses, asks for HTTP/2 in this way wherever the URL is http.
"""

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
"""The largest request line with headers, in bytes. Our longest URLs are authorization requests, a few kilobytes."""
ARRIVES_WITHIN = 20.0
"""Seconds from the first byte of a request, or from the connection, to the last byte of the request."""

LAST_WORD = 3.0
"""Seconds that a connection without a request has to send one, once the service stops."""

_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)
_REFUSALS = {
    408: b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
}


class BoundedConnection(HttpToolsProtocol):
    """An HTTP connection that closes when a request is too large or too slow."""

    _in_head = True
    _head_size = 0
    _awaits_head = True
    """Whether the next bytes belong to a head: also between two requests."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Give a connection that has sent no request yet a few seconds to send one.

        A proxy may not send a form again to another node. The response says `Connection: close` (`web.middleware`), and
        uvicorn then closes the connection.
        """
        if self.cycle is None:
            self.loop.call_later(LAST_WORD, self._end_unless_asked)
        else:
            super().shutdown()

    def _end_unless_asked(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._awaits_head and _UPGRADE.search(data):
            head, end, body = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"", head) + end + body
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._hang_up(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_size = 0
        if self._deadline is None:
            self._set_deadline()

    def on_headers_complete(self) -> None:
        self._in_head = self._awaits_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._awaits_head = True
        self._clear_deadline()
        super().on_message_complete()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(ARRIVES_WITHIN, self._hang_up, 408)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self, status: int) -> None:
        transport: Any = self.transport
        if transport.is_closing():
            return
        if self._in_head and self._head_size:
            transport.write(_REFUSALS[status])
        # In the middle of a body the endpoint sees that the caller is gone, and does nothing.
        transport.close()
