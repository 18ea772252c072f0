"""Signet's log while it runs in a test: events go to the logger `signet` of the standard library, as pytest shows it.

Nothing is configured. Once the last Signet is closed, everything is as it was.
"""

import logging
import threading
from functools import partial
from typing import Any

from provider.observability import json_lines

LOGGER = logging.getLogger("signet")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Standard:
    """A logger with the methods of structlog's."""

    def __getattr__(self, name: str) -> Any:
        return partial(self._write, name)

    def _write(self, name: str, event: str, **values: object) -> None:
        text = " ".join([event, *(f"{key}={value}" for key, value in values.items())])
        LOGGER.log(LEVELS.get(name, logging.ERROR), text, exc_info=name == "exception")


class _Redirected:
    """How many Signets run in this process, and the logger that they replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._before: Any = None

    def start(self) -> None:
        with self._lock:
            self._running += 1
            if self._running == 1:
                self._before, json_lines.log = json_lines.log, _Standard()

    def stop(self) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0:
                json_lines.log = self._before


REDIRECTED = _Redirected()
