"""Plain functions that run in the event loop as greenlets: while one waits, others run.

Rules and stores are plain functions, and a thread for each request costs more than most of them take. What has to wait
(for the database, a lock, a pause, another thread) asks here, and outside a greenlet it just blocks. A lock that
is held while its holder waits has to be a `Lock` of this module: whoever waits for another one stops the loop.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

Result = TypeVar("Result")

READABLE, WRITABLE = 1, 2
LOCK_POLL = 0.001
"""How long a greenlet waits before it tries a lock again, in seconds."""
LONG = 0.1
"""A function that runs for so many seconds without a pause has kept the event loop waiting."""

Wake = Callable[[Any], None]
Arrange = Callable[[asyncio.AbstractEventLoop, Wake], Callable[[], object]]
"""Arranges that `wake` is called, which ends a pause; returns a function that undoes it. It is called outside the
greenlet, because uvloop keeps data on its stack, and a greenlet has another one.
"""


class _Task(greenlet):
    """A function that the event loop runs."""

    def __init__(
        self,
        function: Callable[[], Any],
        loop: asyncio.AbstractEventLoop,
        threads: Executor,
        on_long: Callable[[], None],
    ) -> None:
        super().__init__(function)
        self.loop = loop
        self.threads = threads
        self.outcome: asyncio.Future[Any] | None = None
        self._on_long = on_long
        self._undo: Callable[[], object] | None = None
        """Undoes what will end the present pause."""
        self.gr_context = contextvars.copy_context()

    def proceed(self, *value: Any) -> Any:
        """Run until the next pause or the end; return the result, if it is the end."""
        began = time.monotonic()
        try:
            answer = self.switch(*value)
        finally:
            if time.monotonic() - began > LONG:
                self._on_long()
        if not self.dead:
            self._undo = answer(self.loop, self._resume)
        return answer

    def pause(self, arrange: Arrange) -> Any:
        """Let others run until what `arrange` arranges happens; return its value. Called in the greenlet."""
        loop_itself = self.parent
        assert loop_itself is not None  # noqa: S101  # only the greenlet of a thread itself has no parent
        return loop_itself.switch(arrange)

    def _resume(self, value: Any) -> None:
        undo, self._undo = self._undo, None
        if undo is None:
            return  # the pause has just ended for another reason
        undo()
        assert self.outcome is not None  # noqa: S101  # `run` set it when the first pause began
        try:
            result = self.proceed(value)
        except BaseException as error:  # noqa: BLE001  # it is raised where the outcome is awaited
            if not self.outcome.cancelled():
                self.outcome.set_exception(error)
        else:
            if self.dead and not self.outcome.cancelled():
                self.outcome.set_result(result)


async def run(function: Callable[[], Result], *, threads: Executor, on_long: Callable[[], None]) -> Result:
    """Run a function in a greenlet of the event loop, and return its result.

    `threads` does what can only block. `on_long` is called each time that the function ran for LONG without a pause. If
    the caller is cancelled, the function still runs to its end.
    """
    loop = asyncio.get_running_loop()
    task = _Task(function, loop, threads, on_long)
    result: Result = task.proceed()
    if task.dead:
        return result
    task.outcome = loop.create_future()
    return await task.outcome  # type: ignore[no-any-return]


def is_running() -> bool:
    """Return whether this is a function that `run` runs."""
    return isinstance(getcurrent(), _Task)


def wait_for_socket(socket: int, events: int, timeout: float) -> int:
    """Return which of the events (READABLE, WRITABLE) came, or 0 after `timeout` seconds. Only in a greenlet."""

    def arrange(loop: asyncio.AbstractEventLoop, wake: Wake) -> Callable[[], object]:
        timer = loop.call_later(timeout, wake, 0)
        if events & READABLE:
            loop.add_reader(socket, wake, READABLE)
        if events & WRITABLE:
            loop.add_writer(socket, wake, WRITABLE)

        def undo() -> None:
            timer.cancel()
            if events & READABLE:
                loop.remove_reader(socket)
            if events & WRITABLE:
                loop.remove_writer(socket)

        return undo

    return int(_current().pause(arrange))


def in_thread(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function that blocks: in a thread, while the event loop runs others. Outside a greenlet, call it here."""
    if not is_running():
        return function(*arguments)
    task, context = _current(), contextvars.copy_context()

    def arrange(loop: asyncio.AbstractEventLoop, wake: Wake) -> Callable[[], object]:
        future = loop.run_in_executor(task.threads, partial(context.run, function, *arguments))
        future.add_done_callback(wake)
        return lambda: None

    future: asyncio.Future[Result] = task.pause(arrange)
    return future.result()


def sleep(seconds: float) -> None:
    """Wait, while the event loop runs others."""
    if is_running():
        _current().pause(lambda loop, wake: loop.call_later(seconds, wake, None).cancel)
    else:
        time.sleep(seconds)


class Lock:
    """A lock that may be held while its holder waits. A `threading.Lock` must not: another greenlet of the same thread
    that waits for it would stop the event loop, and so the holder.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, timeout: float = -1) -> bool:
        """Wait for the lock, at most `timeout` seconds if that is not negative. Returns whether it is held now."""
        if not is_running():
            return self._lock.acquire(timeout=timeout)
        deadline = None if timeout < 0 else time.monotonic() + timeout
        while not self._lock.acquire(blocking=False):
            if deadline is not None and time.monotonic() > deadline:
                return False
            sleep(LOCK_POLL)
        return True

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()


def _current() -> _Task:
    task = getcurrent()
    assert isinstance(task, _Task)  # noqa: S101  # a bug of the caller
    return task
