"""The pools in which endpoints run.

A few threads serve most endpoints, one hashes passwords (decision 60), and some wait for other servers. What programs
ask for all day runs in the event loop.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from provider.config.settings import Settings
from provider.observability.metrics import POOL_REQUESTS, POOL_WAIT
from provider.refusals import Unavailable
from provider.runtime import greenlets

Answer = TypeVar("Answer")

MAX_WAITING = 256
"""How many requests may wait for a thread of one pool. Further ones are rejected immediately (F-3, F-15)."""


LOOP_PAUSE = 10.0
"""How long all endpoints run in threads after one kept the event loop waiting, in seconds."""


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
        try:
            return await self._run(time.perf_counter(), partial(function, *arguments))
        finally:
            self._running -= 1
            POOL_REQUESTS.add(-1, self._name)

    async def _run(self, since: float, function: Callable[[], Answer]) -> Answer:
        def at_last() -> Answer:
            POOL_WAIT.observe(time.perf_counter() - since, self._name)
            return function()

        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._executor, context.run, at_last)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


class LoopPool(Pool):
    """A pool that runs a few functions at a time in the event loop, as greenlets. Its threads do what blocks."""

    def __init__(self, functions: int, name: str, *, on_long: Callable[[], None]) -> None:
        super().__init__(functions, name)
        self._turns = asyncio.Semaphore(functions)
        self._on_long = on_long

    async def _run(self, since: float, function: Callable[[], Answer]) -> Answer:
        async with self._turns:
            POOL_WAIT.observe(time.perf_counter() - since, self._name)
            return await greenlets.run(function, threads=self._executor, on_long=self._on_long)


class Threads:
    """The pools of a process."""

    def __init__(self, settings: Settings) -> None:
        self._loop_is_free_from = 0.0
        """When endpoints may run in the event loop again, by `time.monotonic`."""
        self._in_loop = LoopPool(settings.worker_threads, "loop", on_long=self._keep_out_of_loop)
        self.ordinary = Pool(settings.worker_threads, "endpoint")
        self.hashing = Pool(settings.password_threads, "password")
        self.waiting = Pool(settings.outbound_threads, "outbound")

    @property
    def quick(self) -> Pool:
        """The pool for what takes less time than the way to a thread and back."""
        return self._in_loop if time.monotonic() >= self._loop_is_free_from else self.ordinary

    def _keep_out_of_loop(self) -> None:
        """Run everything in threads for a while, because one kept the event loop waiting: a slow disk, or a file
        that another program locks.
        """
        self._loop_is_free_from = time.monotonic() + LOOP_PAUSE

    def close(self) -> None:
        for pool in (self._in_loop, self.ordinary, self.hashing, self.waiting):
            pool.close()
