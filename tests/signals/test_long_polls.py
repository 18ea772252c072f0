"""Polls that wait for the next signal (RFC 8936 section 2.2)."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provider.signals.store import queue
from provider.ssf import waiting
from tests.signals.conftest import POLL, PUSH, Receiver


def _poll(receiver: Receiver, **asked: Any) -> tuple[int, dict[str, Any], float]:
    since = time.monotonic()
    answered = receiver.poll(**{"returnImmediately": False} | asked)
    return answered.status_code, answered.json(), time.monotonic() - since


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE", 0.02)


def test_a_poll_waits_for_the_next_signal(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no thread meanwhile: more polls wait than there are threads, and each is answered by its own signal."""
    receiver.create(POLL)
    looks: list[str] = []
    monkeypatch.setattr(queue, "find_pollable", _counting(queue.find_pollable, looks))
    monkeypatch.setattr(waiting, "MOST_OF_STREAM", 8)
    with receiver.http, ThreadPoolExecutor(8) as pool:
        polls = [pool.submit(_poll, receiver) for _ in range(8)]
        while not looks:
            time.sleep(0.01)
        assert not any(poll.done() for poll in polls)
        assert receiver.verify("now").status_code == 204
        answers = [poll.result(timeout=20) for poll in polls]
    assert {status for status, _, _ in answers} == {200}
    assert len({jti for _, body, _ in answers for jti in body["sets"]}) == 1
    assert all(body["sets"] for _, body, _ in answers)


def _counting(function: Callable[..., Any], looks: list[str]) -> Callable[..., Any]:
    def count(*arguments: Any) -> Any:
        looks.append(threading.current_thread().name)
        return function(*arguments)

    return count


def test_a_poll_is_answered_when_its_time_is_over(
    receiver: Receiver, receive: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-537. It is bounded, and immediate for one that asks for that or for nothing, while a process stops, and for
    those that are too many. A stream that was deleted meanwhile ends it.
    """
    receiver.create(POLL)
    monkeypatch.setattr(waiting, "SECONDS", 0.2)
    status, body, took = _poll(receiver)
    assert (status, body) == (200, {"sets": {}, "moreAvailable": False})
    assert took >= 0.2
    monkeypatch.setattr(waiting, "SECONDS", 60.0)
    _poll(receiver, returnImmediately=True)
    _poll(receiver, maxEvents=0)
    state = receiver.http.app.state  # type: ignore[attr-defined]
    state.stopping = True
    _poll(receiver)
    state.stopping = False
    monkeypatch.setattr(waiting, "MOST_OF_STREAM", 0)
    _poll(receiver)
    monkeypatch.setattr(waiting, "MOST_OF_STREAM", 1)
    with receiver.http, ThreadPoolExecutor(1) as pool:
        waits = pool.submit(_poll, receiver)
        time.sleep(0.1)
        receiver("PATCH", "/ssf/streams", receiver.stream | {"delivery": _to_push(receiver)})
        assert waits.result(timeout=20)[1]["sets"] == {}


def test_a_poll_that_waits_gets_nothing_once_its_token_has_ended(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-556. The next poll is answered with 401."""
    receiver.create(POLL)
    looks: list[str] = []
    monkeypatch.setattr(queue, "find_pollable", _counting(queue.find_pollable, looks))
    with receiver.http, ThreadPoolExecutor(1) as pool:
        waits = pool.submit(_poll, receiver)
        while not looks:
            time.sleep(0.01)
        receiver.clock.advance(minutes=30)
        other = receiver.app.client_credentials(scope="ssf.manage").access_token
        body = {"stream_id": receiver.stream["stream_id"]}
        assert receiver("POST", "/ssf/verify", body, token=other).status_code == 204
        assert waits.result(timeout=20)[:2] == (200, {"sets": {}, "moreAvailable": False})
        assert receiver.poll().status_code == 401


def _to_push(receiver: Receiver) -> dict[str, str]:
    return {"method": PUSH, "endpoint_url": receiver.server.url("/events")}


def test_what_no_poll_can_ask_is_rejected(receiver: Receiver) -> None:
    """N-538. RFC 8936 section 2.2: `returnImmediately` is a boolean."""
    receiver.create(POLL)
    assert receiver.poll(returnImmediately="false").status_code == 400
