"""Plain functions in the event loop: they wait without stopping it."""

import asyncio
import contextvars
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvloop

from provider.runtime import greenlets

FOREVER = 60.0


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1, thread_name_prefix="blocking") as threads:
        yield threads


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def together(request: pytest.FixtureRequest, threads: ThreadPoolExecutor) -> Callable[..., list[Any]]:
    """Run functions at the same time in one event loop; return their results and errors, in order."""

    def together(*functions: Callable[[], Any], on_long: Callable[[], None] = lambda: None) -> list[Any]:
        async def all_of_them() -> list[Any]:
            runs = [greenlets.run(function, threads=threads, on_long=on_long) for function in functions]
            return await asyncio.gather(*runs, return_exceptions=True)

        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(all_of_them())

    return together


def test_others_run_while_one_waits_for_a_socket(together: Callable[..., list[Any]]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def read() -> bytes:
            assert greenlets.wait_for_socket(ours.fileno(), greenlets.READABLE, FOREVER) == greenlets.READABLE
            return ours.recv(10)

        def write() -> int:
            assert greenlets.wait_for_socket(theirs.fileno(), greenlets.WRITABLE, FOREVER) == greenlets.WRITABLE
            return theirs.send(b"hello")

        assert together(read, write) == [b"hello", 5]


def test_a_silent_socket_ends_the_wait_in_time(together: Callable[..., list[Any]]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert together(lambda: greenlets.wait_for_socket(ours.fileno(), greenlets.READABLE, 0.01)) == [0]


def test_many_wait_and_finish_out_of_order(together: Callable[..., list[Any]]) -> None:
    pairs = [socket.socketpair() for _ in range(20)]

    def read(number: int) -> Callable[[], bytes]:
        def run() -> bytes:
            for _ in range(3):
                greenlets.wait_for_socket(pairs[number][0].fileno(), greenlets.READABLE, FOREVER)
                found = pairs[number][0].recv(1)
                if number:  # the next one goes on
                    pairs[number - 1][1].send(b"x")
            return found

        return run

    try:
        for _ in range(3):
            pairs[-1][1].send(b"x")
        assert together(*[read(number) for number in range(20)]) == [b"x"] * 20
    finally:
        for ours, theirs in pairs:
            ours.close()
            theirs.close()


def test_what_blocks_runs_in_a_thread_and_returns_or_raises_here(together: Callable[..., list[Any]]) -> None:
    def fail() -> None:
        raise LookupError("not here")

    name, error = together(
        lambda: greenlets.in_thread(lambda: threading.current_thread().name), lambda: greenlets.in_thread(fail)
    )
    assert name.startswith("blocking")
    assert isinstance(error, LookupError)


def test_an_error_after_a_pause_reaches_who_awaits_it(together: Callable[..., list[Any]]) -> None:
    class Signal(BaseException):
        pass

    def fail() -> None:
        greenlets.sleep(0)
        raise Signal

    (error,) = together(fail)
    assert isinstance(error, Signal)


def test_whoever_waits_for_a_lock_does_not_stop_its_holder(together: Callable[..., list[Any]]) -> None:
    lock, order = greenlets.Lock(), list[str]()

    def work(name: str) -> Callable[[], None]:
        def run() -> None:
            with lock:
                order.append(f"{name} begins")
                greenlets.in_thread(time.sleep, 0)
                order.append(f"{name} ends")

        return run

    assert together(work("a"), work("b")) == [None, None]
    assert order == ["a begins", "a ends", "b begins", "b ends"]


def test_a_lock_that_a_thread_holds_is_waited_for_only_so_long(together: Callable[..., list[Any]]) -> None:
    lock = greenlets.Lock()
    with lock:
        assert together(lambda: lock.acquire(timeout=0.01)) == [False]
        assert lock.acquire(timeout=0.01) is False
    assert together(lambda: lock.acquire(timeout=FOREVER)) == [True]


def test_a_function_keeps_its_context_across_pauses(together: Callable[..., list[Any]]) -> None:
    variable = contextvars.ContextVar[str]("variable")

    def work(value: str) -> Callable[[], tuple[str, str]]:
        def run() -> tuple[str, str]:
            variable.set(value)
            greenlets.sleep(0)
            return variable.get(), greenlets.in_thread(variable.get)

        return run

    assert together(work("a"), work("b")) == [("a", "a"), ("b", "b")]
    assert variable.get("unset") == "unset"


def test_a_function_whose_caller_is_gone_runs_to_its_end(threads: ThreadPoolExecutor) -> None:
    goes_on = threading.Event()

    async def cancel() -> None:
        ended = asyncio.Event()

        def work() -> None:
            greenlets.in_thread(goes_on.wait, FOREVER)
            ended.set()

        task = asyncio.ensure_future(greenlets.run(work, threads=threads, on_long=lambda: None))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        goes_on.set()
        await ended.wait()

    asyncio.run(asyncio.wait_for(cancel(), FOREVER))


def test_a_function_that_keeps_the_loop_waiting_is_reported(
    together: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    monkeypatch.setattr(greenlets, "LONG", FOREVER)
    together(lambda: greenlets.sleep(0), on_long=lambda: reported.append("pauses"))
    assert reported == []
    monkeypatch.setattr(greenlets, "LONG", -1)
    together(lambda: None, on_long=lambda: reported.append("computes"))
    assert reported == ["computes"]


def test_outside_the_loop_everything_just_blocks() -> None:
    assert not greenlets.is_running()
    assert greenlets.in_thread(threading.current_thread) is threading.current_thread()
    greenlets.sleep(0)
    with greenlets.Lock():
        pass
