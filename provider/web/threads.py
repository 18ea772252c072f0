"""The thread pools in which endpoints run.

A few threads serve most endpoints, one hashes passwords (decision 60), and some wait for other servers.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from provider.config.settings import Settings
from provider.observability.metrics import POOL_REQUESTS, POOL_WAIT
from provider.refusals import Unavailable

Answer = TypeVar("Answer")

MAX_WAITING = 256
"""How many requests may wait for a thread of one pool. Further ones are rejected immediately (F-3, F-15)."""


LOOP_PAUSE = 10.0
"""How long the event loop leaves all reads to threads after one failed there, in seconds."""


class Pool:
    """A bounded queue in front of a few threads."""

    def __init__(self, threads: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._name = name
        self._limit = MAX_WAITING + threads
        self._running = 0

    async def run(self, function: Callable[..., Answer], *arguments: object) -> Answer:
        if self._running >= self._limit:
            raise Unavailable
        self._running += 1
        POOL_REQUESTS.add(1, self._name)
        since = time.perf_counter()

        def at_last() -> Answer:
            POOL_WAIT.observe(time.perf_counter() - since, self._name)
            return function(*arguments)

        try:
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._executor, context.run, at_last)
        finally:
            self._running -= 1
            POOL_REQUESTS.add(-1, self._name)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


class Threads:
    """The pools of a process."""

    def __init__(self, settings: Settings) -> None:
        self.reads_in_loop_from = 0.0
        """When the event loop reads again, by `time.monotonic`: for a while it must not, after it had to wait."""
        self.ordinary = Pool(settings.worker_threads, "endpoint")
        self.hashing = Pool(settings.password_threads, "password")
        self.waiting = Pool(settings.outbound_threads, "outbound")

    def close(self) -> None:
        self.ordinary.close()
        self.hashing.close()
        self.waiting.close()
