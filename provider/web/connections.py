"""The limits of one connection: the size of a request's head, and the time a request may take to arrive (F-15).

A service that has as many connections as it may closes the one that has waited longest for a request, so that idle ones
keep nobody out.

uvicorn limits the time between requests; these limits apply within one, and before the first. `serve` passes this class
to uvicorn. Bodies are limited by `web.bodies`.

A request to change the protocol is ignored (RFC 9110 section 7.8). The parser would drop the body of such a request.
Java's HTTP client, which Spring uses, asks for HTTP/2 in this way wherever the URL is http.

Nothing here depends on how the bytes of a request are spread over segments: only the parser says what they are.
"""

import asyncio
import ssl
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from provider.descriptors import most_open

MAX_HEAD = 64 * 1024
"""The largest request line with headers, in bytes, and the largest trailer of a body. Our longest URLs are those of
authorization requests, a few kilobytes.
"""
ARRIVES_WITHIN = 20.0
"""Seconds from the first byte of a request, or from the connection, to the last byte of the request."""
SPARED = 1.0
"""Seconds for a new connection to send its request, within which it is not closed to make room for others."""
TAKES_SOME_WITHIN = 20.0
"""Seconds within which a client must take TAKES_AT_LEAST bytes of a response, while much of it waits."""
TAKES_AT_LEAST = 16 * 1024

LAST_WORD = 3.0
"""Seconds that a connection without a request has to send one, once the service stops."""

INVALID = "Invalid HTTP request received."
"""What uvicorn answers to bytes that are no request."""
_REFUSALS = {
    408: b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
}


class HeadTooLarge(Exception):
    """The head of a request is larger than MAX_HEAD."""


class NoProxy(Exception):
    """A request for a tunnel (CONNECT). The parser would take the body of such a request for the next one."""


class BoundedConnection(HttpToolsProtocol):
    """An HTTP connection that closes when a request is too large or too slow."""

    _in_head = False
    """Whether a head has begun, and not ended."""
    _without_progress = 0
    """The bytes since the segment in which a request began, or the last one with a part of its body."""
    _deadline: asyncio.TimerHandle | None = None
    _waits_since = 0.0
    """By the loop's clock."""
    _slow_reader: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting: dict[BoundedConnection, None] = vars(self.server_state).setdefault("waiting", {})
        """The connections of this server whose next request has not arrived whole; the longest waiting is first."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._set_deadline()
        self._await_request()
        self._make_room()
        if self.limit_concurrency is not None and len(self.connections) > most_open(self.limit_concurrency):
            next(iter(self._waiting), self)._give_way()  # noqa: SLF001  # it is one of us

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        self._clear_deadline()
        self._stop_watching()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        self._waiting.pop(self, None)
        self._waiting[self] = None
        self._waits_since = self.loop.time()

    def _make_room(self) -> None:
        """Close those that have waited longest, until uvicorn serves one more: at its limit it answers 503."""
        limit, recent = self.limit_concurrency, self.loop.time() - SPARED
        while limit is not None and len(self.connections) >= limit:
            longest = next(iter(self._waiting), self)
            if longest is self or longest._waits_since > recent:  # noqa: SLF001  # it is one of us
                return
            longest._give_way()  # noqa: SLF001

    def _give_way(self) -> None:
        self._waiting.pop(self, None)
        self.connections.discard(self)
        self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_watching()
        self._watch(self._unsent())

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _watch(self, unsent: int) -> None:
        """Close a connection whose client hardly takes anything of its response."""

        def look() -> None:
            if self._unsent() > unsent - TAKES_AT_LEAST:
                self.transport.abort()
            else:
                self._watch(self._unsent())

        self._slow_reader = self.loop.call_later(TAKES_SOME_WITHIN, look)

    def _stop_watching(self) -> None:
        if self._slow_reader is not None:
            self._slow_reader.cancel()
            self._slow_reader = None

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
        self._unset_keepalive_if_required()
        if self._deadline is None and self._is_idle:
            self._set_deadline()  # even if these are only line breaks before a request (RFC 9112 section 2.2)
        self._without_progress += len(data)
        try:
            self._parse(data)
        except HttpParserError as error:
            if isinstance(error.__context__, HeadTooLarge):
                self._hang_up(431)
            else:
                self.logger.warning(INVALID)
                self._reject()
        else:
            if self._without_progress > MAX_HEAD:  # a head, the trailer of a body, or line breaks between requests
                self._hang_up(431)

    def _parse(self, data: bytes) -> None:
        """Pass what arrived to the parser.

        It stops after the head of a request to change the protocol. That head is then parsed again without `Upgrade`.
        """
        rest = memoryview(data)
        while rest:
            try:
                self.parser.feed_data(rest)
            except HttpParserUpgrade as stopped:
                rest = rest[stopped.args[0] :]
            else:
                return
            head = self._head_without_upgrade()
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
            self.parser.feed_data(head)

    def _head_without_upgrade(self) -> bytes:
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    @property
    def _is_idle(self) -> bool:
        """Whether no request waits for its response, or for the rest of it."""
        return self.cycle is None or self.cycle.response_complete

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._without_progress = 0
        if self._is_idle:
            self._await_request()
        if self._deadline is None:
            self._set_deadline()

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers) > MAX_HEAD:
            raise HeadTooLarge
        if self.parser.get_method() == b"CONNECT":
            raise NoProxy
        if not self.parser.should_upgrade():  # else it is parsed again
            self._in_head = False
            self._make_room()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._without_progress = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            self._clear_deadline()
            if not self.cycle.response_complete:
                self._waiting.pop(self, None)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self in self.connections:
            self._await_request()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(ARRIVES_WITHIN, self._hang_up, 408)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _reject(self) -> None:
        """Answer bytes that are no HTTP, unless that would be taken for the response to an earlier request (RFC 9112
        section 9.3.2), or for a part of one.
        """
        if self._is_idle or (self.cycle.more_body and not self.cycle.response_started):
            self.send_400_response(INVALID)
        else:
            self.transport.close()

    def _hang_up(self, status: int) -> None:
        if self.transport.is_closing():
            return
        if self._in_head and self._is_idle:  # else it would be taken for the response to an earlier request
            self.transport.write(_REFUSALS[status])
        # In the middle of a body the endpoint sees that the caller is gone, and does nothing.
        self.transport.close()


class CertifiedConnection(BoundedConnection):
    """A TLS connection whose client may have shown a certificate (`web.tls`).

    Each request has it in ASGI's TLS extension, as `client_cert_der`: None without one. Headers do not count here.
    """

    _extensions: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        session: ssl.SSLObject = transport.get_extra_info("ssl_object")
        self._extensions = {"tls": {"client_cert_der": session.getpeercert(binary_form=True)}}

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions
