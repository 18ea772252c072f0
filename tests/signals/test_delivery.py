"""Delivery, as the modules of the OpenID conformance suite try it: verification by push and poll, what is rejected or
reported, paused and disabled streams, and a receiver that is away.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from provider.accounts import suspension
from provider.oauth.clients import clients
from provider.outbox import store as outbox
from provider.signals.store import deliveries, streams
from tests.signals.conftest import POLL, PUSH, SSF, Meet, Receiver, kinds
from tests.support.foreign_server import answer, raw
from tests.support.installation import Work


def test_verification_by_push(receiver: Receiver) -> None:
    """Section 8.1.4, RFC 8935 section 2.1."""
    receiver.create()
    verified = receiver.verify("some state")
    assert (verified.status_code, verified.content) == (204, b"")
    receiver.run()
    [request] = receiver.server.requests
    assert (request.method, request.target) == ("POST", "/events")
    assert request.headers["content-type"] == "application/secevent+jwt"
    assert request.headers["accept"] == "application/json"
    assert request.headers["authorization"] == "Bearer of-the-receiver"
    [claims] = receiver.pushed
    assert claims["events"] == {SSF + "verification": {"state": "some state"}}
    assert claims["sub_id"] == {"format": "opaque", "id": receiver.stream["stream_id"]}


def test_a_push_without_authorization_has_no_header(receiver: Receiver) -> None:
    receiver.create(PUSH, delivery={"method": PUSH, "endpoint_url": receiver.server.url("/events")})
    receiver.verify()
    receiver.run()
    [request] = receiver.server.requests
    assert "authorization" not in request.headers
    assert receiver.pushed[0]["events"] == {SSF + "verification": {}}


def test_verification_by_poll(receiver: Receiver) -> None:
    """Poll only, poll again, acknowledge only, poll and acknowledge (RFC 8936 section 2.4)."""
    receiver.create(POLL)
    receiver.verify("one")
    first = receiver.poll(returnImmediately=True)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    [(jti, token)] = first.json()["sets"].items()
    assert first.json()["moreAvailable"] is False
    claims = receiver.read(token)
    assert (claims["jti"], claims["events"]) == (jti, {SSF + "verification": {"state": "one"}})
    assert receiver.poll(maxEvents=0).json() == {"sets": {}, "moreAvailable": True}
    assert list(receiver.poll().json()["sets"]) == [jti]
    assert receiver.poll(maxEvents=0, ack=[jti]).json() == {"sets": {}, "moreAvailable": False}
    receiver.clock.advance(seconds=6)
    receiver.verify("two")
    [second] = receiver.poll(ack=[jti, "unknown"]).json()["sets"]
    assert second != jti
    assert receiver.poll(ack=[second]).json() == {"sets": {}, "moreAvailable": False}


def test_a_reported_error_ends_a_token(receiver: Receiver) -> None:
    """RFC 8936 section 2.4.4: it is not offered again."""
    receiver.create(POLL)
    receiver.verify()
    [jti] = receiver.poll().json()["sets"]
    errors = {jti: {"err": "invalid_request", "description": "no"}}
    assert receiver.poll(maxEvents=0, setErrs=errors).json() == {"sets": {}, "moreAvailable": False}
    assert receiver.poll().json()["sets"] == {}


@pytest.mark.parametrize(
    "asked",
    [{"maxEvents": -1}, {"maxEvents": "1"}, {"ack": "x"}, {"ack": [1]}, {"ack": ["x"] * 1001}, {"setErrs": {"x": 1}}],
)
def test_what_is_no_poll_is_rejected(receiver: Receiver, asked: dict[str, Any]) -> None:
    """N-496."""
    receiver.create(POLL)
    assert receiver.poll(**asked).status_code == 400


def test_polls_acknowledge_nothing_of_others(receiver: Receiver, receive: Callable[..., Receiver]) -> None:
    """N-497."""
    other = receive()
    for each in (receiver, other):
        each.create(POLL)
        each.verify()
    [jti] = other.poll().json()["sets"]
    receiver.poll(ack=[jti], setErrs={jti: {"err": "x"}})
    assert list(other.poll().json()["sets"]) == [jti]


def test_a_pushed_stream_can_not_be_polled(receiver: Receiver) -> None:
    made = receiver.create()
    assert receiver("POST", f"/ssf/poll/{made['stream_id']}", {}).status_code == 400


def test_verification_too_often_is_rejected(receiver: Receiver) -> None:
    """N-498. Section 8.1.4.2: 429, by `min_verification_interval`."""
    made = receiver.create(POLL)
    assert receiver.verify().status_code == 204
    again = receiver.verify()
    assert (again.status_code, int(again.headers["retry-after"]) > 0) == (429, True)
    receiver.clock.advance(seconds=made["min_verification_interval"])
    assert receiver.verify().status_code == 204
    assert receiver.verify("x" * 1001).status_code == 400


@pytest.mark.parametrize("method", [PUSH, POLL])
def test_a_paused_stream_holds_signals_and_a_disabled_one_keeps_none(
    receiver: Receiver, meet: Meet, ada: str, work: Work, method: str
) -> None:
    """Section 8.1.2.1."""
    receiver.create(method)
    meet(receiver, ada)

    def arrived() -> list[str]:
        receiver.run(seconds=30)
        if method == POLL:
            return kinds(receiver.take())
        told = kinds(receiver.pushed)
        receiver.server.requests.clear()
        return told

    receiver.set_status("paused")
    receiver.verify()
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    assert arrived() == []
    receiver.set_status("enabled")
    told = arrived()
    assert told[0] == "verification"
    assert told[-1] == "account-disabled"
    receiver.set_status("disabled")
    assert receiver.verify().status_code == 204
    with work() as w:
        suspension.restore(w, user_id=ada)
    receiver.set_status("enabled")
    assert arrived() == []


def test_a_receiver_that_rejects_a_token_gets_the_next(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    """RFC 8935 section 2.3."""
    receiver.create()
    receiver.verify()
    receiver.server.behaviour = answer({"err": "invalid_request"}, status="400 Bad Request")
    receiver.run()
    assert len(receiver.server.requests) == 1
    receiver.server.behaviour = answer(b"", status="202 Accepted")
    receiver.clock.advance(seconds=6)
    receiver.verify("two")
    receiver.run()
    assert [each["events"][SSF + "verification"] for each in receiver.pushed] == [{}, {"state": "two"}]


def test_the_signals_of_a_disabled_app_wait_without_jobs(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    receiver.create()
    meet(receiver, ada)
    with work() as w:
        clients.disable(w, receiver.client_id)
        suspension.suspend(w, user_id=ada, reason=None)
    receiver.run(seconds=5)
    with work() as w:
        jobs = len(outbox.find(w.read, topic="signals"))
    for _ in range(3):
        receiver.run(seconds=5)
    with work() as w:
        assert len(outbox.find(w.read, topic="signals")) == jobs <= 1
        clients.enable(w, receiver.client_id)
    assert receiver.pushed == []
    receiver.run(seconds=5)
    assert "account-disabled" in kinds(receiver.pushed)


def test_each_failed_delivery_is_a_request(receiver: Receiver, work: Work) -> None:
    receiver.create()
    receiver.server.behaviour = raw(b"")
    receiver.verify()
    for _ in range(6):
        receiver.run(seconds=5)
    with work() as w:
        failed = deliveries.find_last(w.read, receiver.stream["stream_id"])
        stream = streams.find(w.read, receiver.stream["stream_id"])
    assert stream is not None
    assert len(receiver.server.requests) == len(failed) == stream.failures > 1


@pytest.mark.both_databases
def test_the_order_does_not_depend_on_the_clocks_of_nodes(
    receiver: Receiver, meet: Meet, ada: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first change is made by a node whose own clock is an hour ahead."""
    receiver.create(POLL)
    meet(receiver, ada)
    now = time.time_ns()
    for number, hours in enumerate((1, 0, 1, 0)):
        monkeypatch.setattr(time, "time_ns", lambda at=now + hours * 3600 * 10**9: at)
        with work() as w:
            (suspension.restore if number % 2 else partial(suspension.suspend, reason=None))(w, user_id=ada)
    monkeypatch.undo()
    told = [kind for kind in kinds(receiver.take()) if kind.startswith("account")]
    assert told == ["account-disabled", "account-enabled"] * 2


def test_a_receiver_that_is_away_for_a_day_gets_everything_in_order(
    receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    receiver.create()
    meet(receiver, ada)
    receiver.server.behaviour = answer(b"", status="503 Service Unavailable")
    for _ in range(3):
        with work() as w:
            suspension.suspend(w, user_id=ada, reason=None)
        receiver.run(seconds=4 * 3600)
        with work() as w:
            suspension.restore(w, user_id=ada)
        receiver.run(seconds=4 * 3600)
    tried = receiver.pushed
    assert len({each["jti"] for each in tried}) == 1  # the first one, again and again
    receiver.server.requests.clear()
    receiver.server.behaviour = answer(b"", status="202 Accepted")
    receiver.run(seconds=3600)
    told = [kind for kind in kinds(receiver.pushed) if kind.startswith("account")]
    assert told == ["account-disabled", "account-enabled"] * 3
