"""The sample receiver of shared signals, stopped and started."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provider.accounts import suspension
from tests.clients.conftest import sample as find_sample
from tests.signals.conftest import ISSUER, PUSH, Meet, Receiver
from tests.support.installation import Work

SECRET = "Bearer of-the-sample"
SAMPLE: Any = find_sample("signal_receiver.receiver")


@contextmanager
def running(sample: Any, port: int = 0) -> Iterator[int]:
    """Serve on loopback until the block ends; yields the port."""
    server = SAMPLE.serve(sample, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_sample_is_stopped_and_started(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    """Nothing is lost, nothing is carried out twice, and everything arrives in order."""
    told: list[str] = []
    handle = lambda event_type, _subject, _event: told.append(event_type.rpartition("/")[2])  # noqa: E731
    sample = SAMPLE.Receiver(
        ISSUER, receiver.client_id, SECRET, lambda: receiver.http.get("/oauth2/jwks").json(), handle
    )
    with running(sample) as port:
        url = f"http://127.0.0.1:{port}/events"
        receiver.create(PUSH, delivery={"method": PUSH, "endpoint_url": url, "authorization_header": SECRET})
        meet(receiver, ada)
        receiver.verify()
        receiver.run()
    assert told == ["verification"]
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    receiver.run(seconds=60)
    with work() as w:
        suspension.restore(w, user_id=ada)
    receiver.run(seconds=8 * 3600)
    assert told == ["verification"]
    with running(sample, port):
        receiver.run(seconds=16 * 3600)
    assert [kind for kind in told if kind.startswith("account")] == ["account-disabled", "account-enabled"]


@pytest.mark.parametrize("length", ["-1", "x", "", "65537", "9" * 5000])
def test_the_sample_reads_no_token_without_a_length_that_fits(length: str) -> None:
    """N-627: it answers at once, whether more comes or not, and takes no part of a token (RFC 8935 section 2.4)."""
    taken: list[str] = []
    sample = SAMPLE.Receiver(ISSUER, "another", SECRET, lambda: {"keys": []}, lambda *_: None)
    sample.take = taken.append
    with running(sample) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"POST / HTTP/1.0\r\nAuthorization: {SECRET}\r\nContent-Length: {length}\r\n\r\nx".encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.0 400")
    assert b"invalid_request" in answer
    assert not taken


def test_the_sample_takes_no_foreign_tokens(receiver: Receiver) -> None:
    keys = receiver.http.get("/oauth2/jwks").json()
    sample = SAMPLE.Receiver(ISSUER, "another", SECRET, lambda: keys, lambda *_: None)
    receiver.create(PUSH)
    receiver.verify()
    receiver.run()
    [request] = receiver.server.requests
    with pytest.raises(SAMPLE.Rejected, match="invalid_audience"):
        sample.take(request.body.decode())
    with pytest.raises(SAMPLE.Rejected, match="invalid_key"):
        sample.take(request.body.decode()[:-10] + "AAAAAAAAAA")
