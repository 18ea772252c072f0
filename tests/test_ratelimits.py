"""Counting in memory and in Redis; without Redis the limits are stricter, never absent (F-5, F-6, A-121)."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
import redis
from limits import RateLimitItem

from provider import ratelimits
from provider.config.settings import Settings
from provider.ratelimits import REDIS_PAUSE, LimitCounter, count, has_room, hit, open_counter, require_room
from provider.refusals import TooManyRequests
from tests.support.installation import Work

LIMIT = "4/minute"


def count_until_full(counter: LimitCounter, key: str = "ada") -> int:
    counted = 0
    while counter.hit(LIMIT, key) is None:
        counted += 1
        assert counted < 100
    return counted


def test_at_the_limit_a_rule_refuses_and_says_how_long(work: Work) -> None:
    with work() as w:
        for _ in range(4):
            hit(w, LIMIT, key="ada")
        with pytest.raises(TooManyRequests) as refused:
            hit(w, LIMIT, key="ada")
        assert 1 <= refused.value.retry_after <= 60
        hit(w, LIMIT, key="eve")
        assert not has_room(w, LIMIT, key="ada")


def test_where_only_failures_count_looking_counts_nothing(work: Work) -> None:
    with work() as w:
        for _ in range(10):
            require_room(w, LIMIT, key="ada")
        for _ in range(4):
            require_room(w, LIMIT, key="ada")
            count(w, LIMIT, key="ada")
        with pytest.raises(TooManyRequests) as refused:
            require_room(w, LIMIT, key="ada")
        assert 1 <= refused.value.retry_after <= 60


def test_processes_share_their_count_in_redis(redis_url: str) -> None:
    first, second = LimitCounter(redis_url), LimitCounter(redis_url)
    assert count_until_full(first) == 4
    assert second.hit(LIMIT, "ada") is not None


def test_a_counter_expires_in_redis(redis_url: str) -> None:
    count_until_full(LimitCounter(redis_url))
    with redis.Redis.from_url(redis_url) as client:
        assert all(0 < client.ttl(key) <= 120 for key in client.scan_iter())


@pytest.fixture
def nobody() -> Iterator[str]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("redis_is", ["nobody", "silent"])
def test_without_redis_half_as_much_is_allowed_and_nobody_waits(redis_is: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(redis_is)
    began = time.monotonic()
    counter = open_counter(Settings(redis_url=url))
    assert count_until_full(counter) == 2
    assert time.monotonic() - began < 30


def test_a_redis_that_failed_is_not_asked_again_during_the_pause(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-5: an outage of Redis may cost one request a timeout, but not each of them."""
    counter, asked = open_counter(Settings(redis_url=nobody)), []

    def fail(_item: RateLimitItem, key: str) -> bool:
        asked.append(key)
        raise redis.ConnectionError

    monkeypatch.setattr(counter._shared, "hit", fail)
    clock = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(ratelimits, "time", SimpleNamespace(monotonic=lambda: clock.seconds, time=time.time))
    counter.hit(LIMIT, "first")
    counter.hit(LIMIT, "second")
    clock.seconds += REDIS_PAUSE / 2
    counter.hit(LIMIT, "third")
    assert asked == ["first"]
    clock.seconds += REDIS_PAUSE / 2
    counter.hit(LIMIT, "fourth")
    assert asked == ["first", "fourth"]


def test_when_redis_comes_back_it_counts_again(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = LimitCounter(redis_url)
    counter._away_until = time.monotonic() + 60
    assert count_until_full(counter) == 2
    counter._away_until = 0
    assert counter.hit(LIMIT, "ada") is None


def test_one_thread_at_a_time_counts_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The storage of `limits` starts a timer at each count, and two threads that do so at the same moment crash."""
    counter, meeting, met = LimitCounter(), threading.Barrier(2), []
    count_one = counter._memory.hit

    def count_together(item: RateLimitItem, key: str) -> bool:
        with suppress(threading.BrokenBarrierError):
            met.append(meeting.wait(0.2))
        return count_one(item, key)

    monkeypatch.setattr(counter._memory, "hit", count_together)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: counter.hit(LIMIT, "ada"), range(2))) == [None, None]
    assert not met
