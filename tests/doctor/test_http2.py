"""signet doctor on HTTP/2: one request, written by hand, and what servers do with it."""

import socket
import struct
import threading

import pytest

from provider.doctor import http2
from provider.doctor.http2 import DATA, END_STREAM, GOAWAY, HEADERS, PADDED, PING, SETTINGS, STREAM, NotSpoken, _frame
from provider.doctor.transport import NetworkTransport
from tests.support.certificates import Authority

BODY = b'{"status":"ok"}'
FIT = _frame(SETTINGS, 0, 0, b"\x00\x03\x00\x00\x00\x64") + _frame(PING, 0, 0, b"12345678")
ANSWER = FIT + _frame(HEADERS, 4, STREAM, b"\x88") + _frame(DATA, PADDED, STREAM, b"\x02" + BODY[:4] + b"\x00\x00")


def asked(said: bytes) -> tuple[bytes, bytes]:
    """What a client makes of this, and what it sent."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(said)
        there.shutdown(socket.SHUT_WR)
        found = http2.get(here, "id.example.test", "/auth/health/live")
        return found, there.recv(65536)


def test_a_request_is_sent_and_the_body_of_the_answer_is_read() -> None:
    """RFC 9113 sections 3.4 and 6, RFC 7541 section 6.2.2."""
    body, sent = asked(ANSWER + _frame(DATA, END_STREAM, STREAM, BODY[4:]))
    assert body == BODY
    assert sent.startswith(http2.PREFACE)
    assert b"\x01\x0fid.example.test\x04\x11/auth/health/live" in sent
    assert _frame(SETTINGS, 1, 0) in sent
    assert _frame(PING, 1, 0, b"12345678") in sent
    assert http2._literal(4, "/" + "x" * 299).startswith(b"\x04\x7f\xad\x01/")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "something else"),
        (FIT + _frame(GOAWAY, 0, 0, struct.pack("!II", 0, 1)), "error of HTTP/2"),
        (FIT, "closes the connection"),
        (b"", "closes the connection"),
    ],
)
def test_what_is_no_answer_in_http2_is_named(said: bytes, why: str) -> None:
    with pytest.raises(NotSpoken, match=why):
        asked(said)


def test_the_request_goes_over_tls(authority: Authority) -> None:
    context = authority.issue("localhost")
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(ANSWER + _frame(DATA, END_STREAM, STREAM, BODY[4:]))

        thread = threading.Thread(target=serve)
        thread.start()
        transport = NetworkTransport(str(authority.file))
        assert transport.ask_with_http2("localhost", listener.getsockname()[1], "127.0.0.1", "/") == BODY
        thread.join()
