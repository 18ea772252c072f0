"""A circuit breaker: while the database is silent, requests fail immediately and one thread looks for its return."""

import threading
from collections.abc import Callable

from provider.database.outages import DatabaseUnavailable

PAUSE = 0.5
"""Seconds between two attempts to reach the database."""


class Circuit:
    """Open from the first deadline that passed until `probe` returns without an error."""

    def __init__(self, probe: Callable[[], object]) -> None:
        self._probe = probe
        self._lock = threading.Lock()
        self._is_open = False
        self._closing = threading.Event()

    def require_closed(self) -> None:
        """Raise DatabaseUnavailable while the database is silent."""
        if self._is_open:
            raise DatabaseUnavailable("the database does not answer")

    def open(self) -> None:
        """Turn requests away from now on, until the database answers again."""
        with self._lock:
            if self._is_open or self._closing.is_set():
                return
            self._is_open = True
        threading.Thread(target=self._look_for_it, name="database probe", daemon=True).start()

    def stop(self) -> None:
        """Stop looking, for the end of the process."""
        self._closing.set()

    def _look_for_it(self) -> None:
        while not self._closing.is_set():
            try:
                self._probe()
            except Exception:  # noqa: BLE001  # whatever it is, the database cannot be used yet
                self._closing.wait(PAUSE)
            else:
                self._is_open = False
                return
