"""Rate limits per network: LIMITS by name, counted outside the transaction.

These limits slow down unknown callers. They are in memory or Redis and may be lost. Counts that must not be lost
(failures per account) are in SQL: `accounts.throttle`.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import limits
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from provider.config.settings import Settings
from provider.observability.logging import log
from provider.refusals import TooManyRequests
from provider.work import UnitOfWork

REDIS_TIMEOUT = 0.25
"""The timeout of a call to Redis, in seconds (F-5)."""
REDIS_PAUSE = 5.0
"""How long Redis is not used after it failed, in seconds."""


@dataclass(frozen=True)
class Limits:
    """The rate limits, one per line with the reason; documented in docs/throttling.md. Each is per network address
    unless stated.
    """

    login: str = "60/5minutes"  # failed sign-ins: a person mistypes; an office shares one address
    all_logins: str = "300/minute"  # failed sign-ins of everybody together; then strangers wait (`throttle.RUSH`)
    sign_up: str = "20/hour"  # accounts are cheap to make and mail is not
    mail: str = "30/hour"  # letters asked for from one place
    mail_per_address: str = "5/hour"  # letters to one mailbox, whoever asks
    mail_resend: str = "1/30seconds"  # a second press of the button
    code: str = "30/5minutes"  # wrong codes typed from one place
    device: str = (
        "60/5minutes"  # device codes asked for from one place: each is a row, and a public client's id is known
    )
    user_code: str = "30/5minutes"  # wrong codes of devices typed from one place, by whoever is signed in
    upstream: str = "60/5minutes"  # failed sign-ins by an upstream: each costs it and us a request
    picture: str = "30/hour"  # uploaded by one person: each is decoded and drawn anew
    password_strength: str = "120/minute"  # noqa: S105  # looked at while somebody types: each takes up to 40 ms
    client_secret: str = "50/5minutes"  # noqa: S105  # wrong secrets for one client from one place
    registration: str = (
        "1000/hour"  # clients that register from one place: a row each, and a request if they name a URL
    )
    explanation: str = "120/minute"  # rows kept about refused requests from one place


LIMITS = Limits()


Question = Callable[[MovingWindowRateLimiter, limits.RateLimitItem, str], int | None]


class LimitCounter:
    """Moving windows in memory, or in Redis. While Redis is unavailable they are in memory at half the rate."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._memory_lock = threading.Lock()
        self._shared = None if redis_url is None else MovingWindowRateLimiter(_redis(redis_url))
        self._away_until = 0.0

    def hit(self, limit: str, key: str) -> int | None:
        return self._ask(self._count, limit, key)

    def look(self, limit: str, key: str) -> int | None:
        return self._ask(self._test, limit, key)

    def _ask(self, question: Question, limit: str, key: str) -> int | None:
        item = limits.parse(limit)
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return question(self._shared, item, key)
            except Exception as error:  # noqa: BLE001  # whatever the client raises: Redis is disposable, login is not
                self._away_until = time.monotonic() + REDIS_PAUSE
                log.warning("ratelimits.redis_away", error=type(error).__name__)
        if self._shared is not None:
            item = type(item)(max(1, item.amount // 2), item.multiples, item.namespace)
        with self._memory_lock:  # two threads that start the storage's timer at the same moment crash
            return question(self._memory, item, key)

    def _count(self, limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int | None:
        return None if limiter.hit(item, key) else self._wait(limiter, item, key)

    def _test(self, limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int | None:
        return None if limiter.test(item, key) else self._wait(limiter, item, key)

    @staticmethod
    def _wait(limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int:
        return max(1, round(limiter.get_window_stats(item, key).reset_time - time.time()))


def _redis(url: str) -> Storage:
    return RedisStorage(
        url,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        wrap_exceptions=False,
    )


def open_counter(settings: Settings) -> LimitCounter:
    with contextlib.suppress(ConnectionError):
        return LimitCounter(settings.redis_url)
    return LimitCounter()


def hit(work: UnitOfWork, limit: str, *, key: str) -> None:
    """Count one. Raises TooManyRequests if the window is full."""
    wait = work.installation.counter.hit(limit, key)
    if wait is not None:
        raise TooManyRequests(wait)


def require_room(work: UnitOfWork, limit: str, *, key: str) -> None:
    """Raise TooManyRequests if the window is full, without counting.

    Called before something of which only failures count.
    """
    wait = work.installation.counter.look(limit, key)
    if wait is not None:
        raise TooManyRequests(wait)


def has_room(work: UnitOfWork, limit: str, *, key: str) -> bool:
    """Count one; return whether there was room. For responses that must look the same either way."""
    return work.installation.counter.hit(limit, key) is None


def is_full(work: UnitOfWork, limit: str, *, key: str) -> bool:
    """Return whether the window is full, without counting."""
    return work.installation.counter.look(limit, key) is not None


def count(work: UnitOfWork, limit: str, *, key: str) -> None:
    """Count one failure. If that fills the window, `require_room` rejects the next attempt."""
    work.installation.counter.hit(limit, key)
