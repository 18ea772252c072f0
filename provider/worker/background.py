"""Starting, running and stopping background work, in a web process or as a process of its own."""

import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from provider import processes
from provider.audit import hourly
from provider.config.settings import Settings
from provider.database.engine import OUTAGES
from provider.observability.logging import log
from provider.outbox import relay
from provider.processes import Process
from provider.scim.outbound import jobs as provisioning
from provider.ssf import push as signals
from provider.work import Installation, unit_of_work
from provider.worker.handlers import HANDLERS, POLICIES
from provider.worker.jobs import index_for_search, purge, rotate_keys
from provider.worker.queue import open_actor, open_broker, start_threads
from provider.worker.summary import summarize
from provider.worker.timetable import Timetable

if TYPE_CHECKING:
    from dramatiq import Actor, Worker

THREADS = 4
"""The number of simultaneous deliveries in a web process without Redis."""
QUEUE_DUE_EVERY = 5.0
PROVISION_EVERY = 5.0
PURGE_EVERY = 3600.0
COUNT_EVERY = 60.0
REFRESH_EVERY = 2.0
ROTATE_EVERY = 120.0
SUMMARIZE_EVERY = 3600.0
INDEX_EVERY = 3600.0
"""Seconds between two runs of each task."""
QUEUED_AGAIN_AFTER = 60.0
"""After how many seconds a row that is still due is queued again, in case its message was lost."""
PAUSE_AFTER_FAILURE = 5.0
"""How long nothing is sent to Redis after it failed, in seconds. This process delivers what is due meanwhile."""
STOP_WITHIN = 25.0
"""How long deliveries in progress may take when the process stops, in seconds."""


Task = Callable[[Installation, Callable[[], bool]], object]
"""A task of a layer above: it gets the installation, and a function that says whether the process stops."""
NO_TASKS: Mapping[Task, float] = MappingProxyType({})


class BackgroundWorker:
    """A worker that delivers an installation's outbox, or only queues its rows for another process (`delivers=False`).

    `wake` may be called from any thread, never raises and never waits: no request depends on the queue.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        delivers: bool = True,
        threads: int = THREADS,
        tasks: Mapping[Task, float] = NO_TASKS,
    ) -> None:
        """`tasks` are further tasks of a worker that delivers, each with its interval in seconds."""
        self._settings = settings
        self._tasks = tasks
        self._delivers = delivers
        self._threads = threads
        self._committed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._sender: threading.Thread | None = None
        self._timetables: list[Timetable] = []
        self._worker: Worker | None = None
        self._stopping = threading.Event()
        self._broker_away_until = 0.0

    def wake(self, row_id: str) -> None:
        """Queue an outbox row that was just committed."""
        self._committed.put(row_id)

    def start(self, installation: Installation) -> None:
        """Start without delaying the caller: importing dramatiq alone takes longer than a request."""
        self._sender = threading.Thread(target=self._run, args=(installation,), name="outbox sender", daemon=True)
        self._sender.start()

    def stop(self) -> None:
        """Start nothing more and wait up to STOP_WITHIN for deliveries in progress; the rest stays due in the database.

        A delivery that takes longer is retried when its claim expires.
        """
        until = time.monotonic() + STOP_WITHIN
        self._stopping.set()
        self._committed.put(None)
        if self._sender is not None:  # first: it may still be starting the others
            self._sender.join(5)
        for timetable in self._timetables:
            timetable.stop()
        if self._worker is not None:
            self._worker.stop(timeout=max(0, int((until - time.monotonic()) * 1000)))
        for timetable in self._timetables:
            timetable.join(max(0.0, until - time.monotonic()))

    def _run(self, installation: Installation) -> None:
        broker = open_broker(self._settings)
        actor = open_actor(broker, installation)

        running = _Running(installation, delivers=self._delivers)

        def flush_counts() -> None:
            hourly.flush(installation)
            running.note()

        def refresh_saved() -> None:
            installation.branding.refresh(installation.database)
            installation.upstreams.refresh(installation.database)

        def note_primary() -> None:
            if installation.replica is not None:
                with unit_of_work(installation) as work:
                    installation.replica.note_primary(work.read)

        self._begin({flush_counts: COUNT_EVERY, refresh_saved: REFRESH_EVERY, note_primary: REFRESH_EVERY})
        if self._delivers:
            self._worker = start_threads(broker, self._threads)
            queue_due = _DueRows(installation, lambda row_id: self._send(actor, row_id), self._stopping).queue

            def provision_due() -> None:
                provisioning.enqueue_due(installation)
                signals.enqueue_due(installation)

            def purge_expired() -> None:
                purge(installation, pause=0.1)

            def drop_old_signals() -> None:
                signals.drop_old(installation)

            def follow_key_schedule() -> None:
                rotate_keys(installation)

            def summarize_days() -> None:
                summarize(installation)

            def complete_search_index() -> None:
                index_for_search(installation, pause=0.1, stopped=self._stopping.is_set)

            for task, interval in self._tasks.items():  # apart: each may take long
                self._begin({partial(task, installation, self._stopping.is_set): interval})
            self._begin({provision_due: PROVISION_EVERY, drop_old_signals: COUNT_EVERY})
            self._begin(
                {follow_key_schedule: ROTATE_EVERY}
            )  # apart: a purge would delay what keeps a used key published
            self._begin({queue_due: QUEUE_DUE_EVERY})  # apart: with Redis away it delivers by itself, which takes time
            self._begin(
                {
                    summarize_days: SUMMARIZE_EVERY,
                    purge_expired: PURGE_EVERY,
                    complete_search_index: INDEX_EVERY,
                }
            )
        while (row_id := self._committed.get()) is not None:
            self._send(actor, row_id)
        with suppress(*OUTAGES):
            hourly.flush(installation)
            running.end()

    def _begin(self, tasks: Mapping[Callable[[], object], float]) -> None:
        self._timetables.append(Timetable(tasks))
        self._timetables[-1].start()

    def _send(self, actor: "Actor[[str], None]", row_id: str) -> bool:
        """Queue the row. Returns False if the broker is down: the row stays due."""
        if time.monotonic() < self._broker_away_until:
            return False
        try:
            actor.send(row_id)
        except Exception as error:  # noqa: BLE001  # whatever the client raises, the row is still there
            self._broker_away_until = time.monotonic() + PAUSE_AFTER_FAILURE
            log.warning("worker.broker_unavailable", error=type(error).__name__)
            return False
        return True


class _Running:
    """The row of this process in the list of those that run."""

    def __init__(self, installation: Installation, *, delivers: bool) -> None:
        self._installation = installation
        self._delivers = delivers
        self._process: Process | None = None

    def note(self) -> None:
        """Note that this process is running."""
        with unit_of_work(self._installation) as work:
            if self._process is None:
                self._process = processes.this_process(work, delivers=self._delivers)
            processes.note_running(work, self._process)

    def end(self) -> None:
        """Note that this process ended as it should."""
        if self._process is not None:
            with unit_of_work(self._installation) as work:
                processes.remove(work.db, self._process.id)


class _DueRows:
    """The rows that are due: queued once for every attempt, or delivered here while the broker is down."""

    def __init__(self, installation: Installation, send: Callable[[str], bool], stopping: threading.Event) -> None:
        self._installation = installation
        self._send = send
        self._stopping = stopping
        self._queued: dict[tuple[str, datetime], float] = {}
        """When each (row id, due since) was queued. An attempt changes the second value."""

    def queue(self) -> None:
        """Queue rows that are due and that this process did not queue in the last QUEUED_AGAIN_AFTER seconds."""
        recent = time.monotonic() - QUEUED_AGAIN_AFTER
        queued = {due: at for due, at in self._queued.items() if at > recent}
        self._queued = {}
        for row_id, due_at in relay.find_due(self._installation):
            if self._stopping.is_set():
                return
            if (row_id, due_at) in queued:
                self._queued[row_id, due_at] = queued[row_id, due_at]
            elif self._send(row_id):
                self._queued[row_id, due_at] = time.monotonic()
            else:
                relay.deliver(self._installation, row_id, HANDLERS, POLICIES)


def run_worker(installation: Installation, *, threads: int, tasks: Mapping[Task, float] = NO_TASKS) -> None:
    """Run the worker process, with `threads` simultaneous deliveries and these tasks, until SIGTERM or SIGINT."""
    asked_to_stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: asked_to_stop.set())
    background = BackgroundWorker(installation.settings, threads=threads, tasks=tasks)
    background.start(installation)
    log.info("worker.started", broker="redis" if installation.settings.redis_url else "none")
    asked_to_stop.wait()
    background.stop()
