"""Tasks that are repeated, each at its own interval."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from provider.observability.logging import log


@dataclass
class Timetable:
    """A thread that runs each task at its interval in seconds, the first time immediately.

    A task that fails runs again at its next time.
    """

    tasks: Mapping[Callable[[], object], float]
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="timetable", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Start nothing more; a running task is not interrupted."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended, but at most this many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        due = dict.fromkeys(self.tasks, time.monotonic())
        while not self._stop.wait(max(0.0, min(due.values()) - time.monotonic())):
            for task, interval in self.tasks.items():
                if due[task] > time.monotonic() or self._stop.is_set():
                    continue
                try:
                    task()
                except Exception as error:  # noqa: BLE001  # the database may be away; the timetable must outlive it
                    log.warning("timetable.failed", task=getattr(task, "__name__", ""), error=type(error).__name__)
                due[task] = time.monotonic() + interval
