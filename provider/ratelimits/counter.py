"""Where the hits of rate limits are counted: in Redis, in a file that the workers of a service share, or in memory."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import limits
from limits.storage import MemoryStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from provider.config.settings import Settings
from provider.observability.logging import log
from provider.ratelimits.storage import SharedFile, SharedRedis
from provider.redis_client import open_redis
from provider.runtime import greenlets

REDIS_TIMEOUT = 0.25
"""The timeout of a call to Redis, in seconds (F-5)."""
PAUSE = 5.0
"""How long Redis, or the shared file, is not used after it failed, in seconds."""

Question = Callable[[MovingWindowRateLimiter, limits.RateLimitItem, str], int | None]


class LimitCounter:
    """Moving windows in memory, or in a storage that processes share.

    While that is unavailable they are in memory at half the rate.
    """

    def __init__(self, redis_url: str | None = None, *, file: Path | None = None) -> None:
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._memory_lock = threading.Lock()
        shared: Storage | None = None
        if redis_url is not None:
            shared = SharedRedis(open_redis(redis_url, timeout=REDIS_TIMEOUT))
        elif file is not None:
            shared = SharedFile(file)
        self._shared = None if shared is None else MovingWindowRateLimiter(shared)
        # The file has one connection; Redis has a pool.
        self._turn: AbstractContextManager[object] = threading.Lock() if redis_url is None else nullcontext()
        self._away_until = 0.0

    def hit(self, limit: str, key: str) -> int | None:
        return self._ask(self._count, limit, key)

    def look(self, limit: str, key: str) -> int | None:
        return self._ask(self._test, limit, key)

    def _ask(self, question: Question, limit: str, key: str) -> int | None:
        item = limits.parse(limit)
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return greenlets.in_thread(self._ask_shared, question, self._shared, item, key)
            except Exception as error:  # noqa: BLE001  # whatever the client raises: counts are disposable, login is not
                self._away_until = time.monotonic() + PAUSE
                log.warning("ratelimits.storage_unavailable", error=type(error).__name__)
        if self._shared is not None:
            item = type(item)(max(1, item.amount // 2), item.multiples, item.namespace)
        with self._memory_lock:  # two threads that start the storage's timer at the same moment crash
            return question(self._memory, item, key)

    def _ask_shared(
        self, question: Question, shared: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str
    ) -> int | None:
        with self._turn:
            return question(shared, item, key)

    def _count(self, limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int | None:
        return None if limiter.hit(item, key) else self._wait(limiter, item, key)

    def _test(self, limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int | None:
        return None if limiter.test(item, key) else self._wait(limiter, item, key)

    @staticmethod
    def _wait(limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int:
        return max(1, round(limiter.get_window_stats(item, key).reset_time - time.time()))


@contextmanager
def shared_file(settings: Settings, *, processes: int) -> Iterator[Path | None]:
    """Provide the file in which the processes of a service count together, and delete it afterwards.

    Yields None where there is nothing to share: for one process, and with Redis.
    """
    if processes == 1 or settings.redis_url is not None:
        yield None
        return
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(TemporaryDirectory(prefix="signet-limits-"))
        except OSError as error:  # a file system that is read-only, say: a service that counts loosely still serves
            log.warning("ratelimits.not_shared", error=str(error), hint="Each worker counts by itself. Set TMPDIR.")
            yield None
        else:
            yield Path(folder) / "hits.db"


def open_counter(settings: Settings, *, file: Path | None = None) -> LimitCounter:
    """Return the counter of this process: in Redis if there is one, else in the `file` that the service shares, else in
    memory.
    """
    return LimitCounter(settings.redis_url, file=file)
