"""One writer at a time on SQLite, across threads and processes.

SQLite decides who may write (`BEGIN IMMEDIATE`), but a rejected writer sleeps for up to 100 ms, and a write takes a
third of a millisecond. Waiting here instead keeps the cores busy. The lock only saves time: SQLite itself still
guarantees correctness. A process that dies releases it.
"""

import fcntl
import os
import time
from pathlib import Path

from sqlalchemy.exc import TimeoutError as PoolTimeout

from provider.database.outages import DatabaseUnavailable
from provider.runtime import greenlets

POLL = 0.0002
"""Seconds between attempts to lock the file: flock itself has no timeout, and no thread may wait forever."""


class WriteLock:
    """A lock for this process's threads, and a lock file beside the database for other processes."""

    def __init__(self, file: Path | None, patience: float) -> None:
        self._file = file
        self._patience = patience
        self._threads = greenlets.Lock()
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Wait for the lock. Raises PoolTimeout if it was not free in time."""
        deadline = time.monotonic() + self._patience
        if not self._threads.acquire(timeout=self._patience):
            raise PoolTimeout("the write lock was not free in time")
        try:
            self._wait_for_other_processes(deadline)
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait_for_other_processes(self, deadline: float) -> None:
        if self._file is None:
            return
        if self._descriptor is None:
            # At first use, so after the workers forked: the lock belongs to the open file, which they must not share.
            try:
                self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:  # a full disk, or a file system that was mounted read-only
                raise DatabaseUnavailable("the lock file cannot be opened", error) from error
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PoolTimeout("another process did not end its write in time") from None
                greenlets.sleep(POLL)
            else:
                return
