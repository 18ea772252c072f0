"""Waiting for what other processes and threads do.

A test waits for a condition and never for a number of seconds. The limit only ends a test that would wait for ever: it
is far beyond what a busy machine needs. Who waits for a process stops as soon as that process has ended.
"""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

PATIENCE = 120
"""Seconds: the limit of whatever is waited for, also of a request to a process and of a process that should end."""

Found = TypeVar("Found")


class Process(Protocol):
    """A `subprocess.Popen`, or a process forked for a test."""

    returncode: int | None

    def poll(self) -> int | None: ...


def wait_until(
    look: Callable[[], Found | None],
    *,
    of: Process | None = None,
    what: str = "what was waited for did not happen",
    log: Callable[[], str] = lambda: "",
    every: float = 0.02,
    patience: float = PATIENCE,
) -> Found:
    """Return what `look` returns as soon as it is true. `of` is the process that makes it so; `what` and `log` are for
    the message of the AssertionError when it has ended before, or after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        assert of is None or of.poll() is None, f"{what}: the process ended with status {of.returncode}. {log()}"
        assert time.monotonic() < deadline, f"{what} within {patience} seconds. {log()}"
        time.sleep(every)
