"""Counting in memory, in Redis and in a file; without them the limits are stricter, never absent (F-5, F-6, A-121)."""

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from limits import RateLimitItem
from structlog.testing import capture_logs

from provider.config.settings import Settings
from provider.ratelimits import TIMES_AT_A_SITE, count, has_room, hit, is_full, of_network, prefix_of, require_room
from provider.ratelimits import counter as ratelimit_counter
from provider.ratelimits import storage as ratelimit_storage
from provider.ratelimits.counter import PAUSE, LimitCounter, open_counter, shared_file
from provider.refusals import TooManyRequests
from provider.work import Installation, Origin, unit_of_work
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
            hit(w, LIMIT, key="login:ada")
        with pytest.raises(TooManyRequests) as refused:
            hit(w, LIMIT, key="login:ada")
        assert 1 <= refused.value.retry_after <= 60
        hit(w, LIMIT, key="login:eve")
        assert not has_room(w, LIMIT, key="login:ada")


def test_where_only_failures_count_looking_counts_nothing(work: Work) -> None:
    with work() as w:
        for _ in range(10):
            require_room(w, LIMIT, key="login:ada")
        for _ in range(4):
            require_room(w, LIMIT, key="login:ada")
            count(w, LIMIT, key="login:ada")
        with pytest.raises(TooManyRequests) as refused:
            require_room(w, LIMIT, key="login:ada")
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
    monkeypatch.setattr(ratelimit_counter, "time", SimpleNamespace(monotonic=lambda: clock.seconds, time=time.time))
    counter.hit(LIMIT, "first")
    counter.hit(LIMIT, "second")
    clock.seconds += PAUSE / 2
    counter.hit(LIMIT, "third")
    assert asked == ["first"]
    clock.seconds += PAUSE / 2
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


def test_processes_of_a_service_share_their_count_in_a_file(tmp_path: Path) -> None:
    """Issue 12, line 21: 60 allowed are 60 with two workers too."""
    counters = [LimitCounter(file=tmp_path / "hits.db") for _ in range(2)]
    assert [counters[n % 2].hit(LIMIT, "ada") is None for n in range(6)] == [True] * 4 + [False] * 2
    assert counters[0].look(LIMIT, "ada") is not None
    assert 1 <= (counters[1].look(LIMIT, "ada") or 0) <= 60
    assert counters[0].hit(LIMIT, "eve") is None


def test_no_hit_is_lost_or_allowed_twice_when_many_count_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratelimit_storage, "BUSY", 60)  # the order is tested, not the machine
    counters = [LimitCounter(file=tmp_path / "hits.db") for _ in range(4)]  # a connection each, like processes
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda n: counters[n % 4].hit("40/minute", "ada") is None, range(200)))
    assert sum(allowed) == 40


def test_the_file_forgets_what_has_left_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter, clock = LimitCounter(file=tmp_path / "hits.db"), SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(ratelimit_storage, "time", SimpleNamespace(time=lambda: clock.seconds))
    assert count_until_full(counter) == 4
    clock.seconds += 61
    assert count_until_full(counter) == 4
    with sqlite3.connect(tmp_path / "hits.db") as db:
        assert db.execute("select count(*) from hits").fetchone() == (4,)
    db.close()


def test_without_the_file_half_as_much_is_allowed(tmp_path: Path) -> None:
    assert count_until_full(LimitCounter(file=tmp_path / "gone" / "hits.db")) == 2


def test_a_service_has_a_file_where_its_workers_cannot_count_together_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shared_file(Settings(), processes=2) as file:
        assert file is not None
        assert open_counter(Settings(), file=file).hit(LIMIT, "ada") is None
        assert file.exists()
        assert file.parent.stat().st_mode & 0o077 == 0
    assert not file.parent.exists()
    with shared_file(Settings(), processes=1) as file:
        assert file is None
    with shared_file(Settings(redis_url="redis://127.0.0.1:1"), processes=2) as file:
        assert file is None
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "read-only"))
    with capture_logs() as logs, shared_file(Settings(), processes=2) as file:
        assert file is None
    assert [entry["event"] for entry in logs] == ["ratelimits.not_shared"]


def test_an_ipv6_network_counts_as_one_and_its_site_with_a_higher_limit(work: Work) -> None:
    """RFC 6177: one customer chooses addresses freely in a /64, and often has a /48 of them."""

    def try_at(address: str) -> bool:
        with work(Origin(network=address)) as w:
            return has_room(w, LIMIT, key=of_network(w, "login"))

    assert [try_at(f"2001:db8:1:1::{n}") for n in range(1, 6)] == [True] * 4 + [False]
    assert try_at("2001:db8:1:2::1")
    assert try_at("2001:db8:2:1::1")
    tried = sum(try_at(f"2001:db8:1:{n:x}::{n:x}") for n in range(0x100, 0x200))
    assert tried == 4 * TIMES_AT_A_SITE - 5  # what the two networks of the site counted above is part of it
    assert try_at("2001:db8:2:2::1")
    assert [try_at(f"192.0.2.{n}") for n in range(1, 6)] == [True] * 5


def test_how_much_of_an_ipv6_address_counts_is_a_setting(installation: Installation) -> None:
    for kind, prefix, differs in (("login", 56, False), ("mail", 64, True), ("link", 128, True)):
        settings = installation.settings.model_copy(update={"ipv6_prefix": prefix})
        with unit_of_work(replace(installation, settings=settings), Origin(network="2001:db8:1:101::1")) as w:
            key = of_network(w, kind)
            count(w, "1/minute", key=key)
            assert is_full(w, "1/minute", key=key)
        with unit_of_work(replace(installation, settings=settings), Origin(network="2001:db8:1:102::1")) as w:
            assert is_full(w, "1/minute", key=of_network(w, kind)) is not differs


@pytest.mark.parametrize("network", ["192.0.2.1", "", "testclient", "not:an:address"])
def test_what_is_no_ipv6_address_counts_as_it_is(network: str) -> None:
    assert prefix_of(network, 64) == network


def test_a_request_tries_a_silent_redis_twice_and_does_not_pause_in_between() -> None:
    """F-5: by default its client tries eleven times, with pauses of up to a second."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        counter = LimitCounter(f"redis://127.0.0.1:{server.getsockname()[1]}")
        assert counter.hit(LIMIT, "ada") is None
        server.setblocking(False)
        tried = 0
        with suppress(BlockingIOError):
            while True:
                server.accept()[0].close()
                tried += 1
        assert tried == 2
