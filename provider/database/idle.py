"""Connections between two units of work, kept ready: to take one from SQLAlchemy's pool and give it back is 60 calls.

The pool still bounds them and opens them anew.
"""

import threading
from collections import deque
from collections.abc import Callable

from sqlalchemy import Connection

from provider.runtime import greenlets


class IdleConnections:
    """Connections of a pool that nobody uses. The latest one given back is the next one taken."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """`connect` takes a connection from the pool, and waits for one if all are in use."""
        self._connect = connect
        self._idle: deque[Connection] = deque()
        self._lock = threading.Lock()
        self._waiting = 0

    def __len__(self) -> int:
        return len(self._idle)

    def take(self) -> Connection:
        """Return an idle connection, or else one from the pool. Raises what `connect` does."""
        try:
            return self._idle.pop()
        except IndexError:
            return greenlets.in_thread(self._take_from_pool)

    def _take_from_pool(self) -> Connection:
        # `give_back` adds its connection before it reads the number of waiting threads, and a thread is counted before
        # it looks once more. So no thread waits for the pool while a connection is idle.
        with self._lock:
            self._waiting += 1
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()
        finally:
            with self._lock:
                self._waiting -= 1

    def give_back(self, connection: Connection) -> None:
        """Keep a connection without a transaction for the next one to take."""
        self._idle.append(connection)
        if self._waiting:
            self._close_one()

    def close_all(self) -> None:
        """Give the idle connections back to the pool."""
        while self._close_one():
            pass

    def _close_one(self) -> bool:
        try:
            self._idle.pop().close()
        except IndexError:
            return False
        return True
