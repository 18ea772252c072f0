"""What runs beside requests: keeping promises, rotating keys and purging, by message and by timetable.

Every promise and every deadline is a row, so losing a message, a queue or this whole process only delays things: the
timetable finds what is due (decision 69). Without Redis this runs inside the web process; with it, in `signet worker`.
"""

import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection

from provider.accounts import deletion, throttle, unconfirmed
from provider.accounts.known_devices import KEPT_FOR as KNOWN_FOR
from provider.accounts.store import known_devices, links
from provider.admin import store as idempotency
from provider.audit import hourly
from provider.audit import store as audit
from provider.config.settings import Settings
from provider.database.engine import OUTAGES
from provider.federation import store as used_states
from provider.jose.algorithms import KEY_PAIRS
from provider.mail import messages, transport
from provider.oauth import explanations
from provider.oauth import store as refusals
from provider.oauth.authorize.store import authorization_codes, authorization_requests
from provider.oauth.client_authentication import store as used_assertions
from provider.oauth.clients import clients as registered_clients
from provider.oauth.clients.store import clients, initial_access_tokens
from provider.oauth.grants import store as device_codes
from provider.oauth.keys import rotation
from provider.oauth.logout import back_channel as logout
from provider.oauth.tokens.store import grants, refresh_tokens
from provider.observability.logging import log
from provider.outbox import relay
from provider.outbox import store as outbox
from provider.outbox.relay import Handler
from provider.sessions import listeners
from provider.sessions import store as sessions
from provider.webhooks import delivery, telling
from provider.work import Installation, UnitOfWork, unit_of_work

if TYPE_CHECKING:
    from dramatiq import Broker

HANDLERS: Mapping[str, Handler] = {
    messages.TOPIC: transport.deliver,
    listeners.TOPIC: logout.deliver,
    telling.TOPIC: delivery.deliver,
}
"""Topic -> who keeps its promises."""
ATTEMPTS: Mapping[str, int] = {listeners.TOPIC: logout.ATTEMPTS, telling.TOPIC: delivery.ATTEMPTS}
"""Topic -> how often it is tried, where that is not the relay's own number."""

BATCH = 500
"""Rows of one purge transaction: none may hold up a request for more than 50 ms."""
ACCOUNTS = 50
"""Accounts or clients of one: each takes rows of many tables along."""


class Purge(Protocol):
    def __call__(self, db: Connection, /, *, before: datetime, limit: int) -> int: ...


PURGES: Mapping[str, tuple[Purge, timedelta]] = {
    "authorization requests": (authorization_requests.purge, timedelta(0)),
    "authorization codes": (authorization_codes.purge, timedelta(days=1)),  # a replay must be recognised
    "device codes": (device_codes.purge, timedelta(days=1)),  # the same
    "used assertions": (used_assertions.purge, timedelta(minutes=1)),  # nodes' clocks differ
    "client secrets": (clients.purge_secrets, timedelta(0)),
    "initial access tokens": (initial_access_tokens.purge, timedelta(0)),
    "refresh tokens": (refresh_tokens.purge, timedelta(days=1)),
    "grants": (grants.purge, timedelta(days=30)),
    "revoked access tokens": (grants.purge_revoked_jtis, timedelta(minutes=5)),
    "refusals": (refusals.purge, explanations.KEPT_FOR),
    "one-time links": (links.purge, timedelta(days=30)),
    "states of upstream sign-ins": (used_states.purge, timedelta(0)),
    "sessions": (sessions.purge, timedelta(days=30)),
    "known devices": (known_devices.purge, KNOWN_FOR),
    "idempotency keys": (idempotency.purge, timedelta(0)),
    "outbox": (outbox.purge, timedelta(days=30)),
    "audit events": (audit.purge, timedelta(days=365)),
    "hourly counts": (hourly.purge, hourly.KEPT_FOR),
}
"""What is deleted, and how long after it ceased to matter."""


def purge(
    installation: Installation, *, pause: float = 0.0, advance: Callable[[int], object] = lambda _rows: None
) -> dict[str, int]:
    """Delete what has expired, a batch at a time, with a breath in between. How many rows of each; `advance` is told
    of each batch.
    """

    def failure_counters(work: UnitOfWork, before: datetime) -> int:
        return throttle.purge(work, before=before, limit=BATCH)

    def to_delete(work: UnitOfWork, before: datetime) -> int:
        return deletion.purge(work, before=before, limit=ACCOUNTS)

    def never_confirmed(work: UnitOfWork, before: datetime) -> int:
        return unconfirmed.purge(work, before=before, limit=ACCOUNTS)

    def unused_clients(work: UnitOfWork, before: datetime) -> int:
        return registered_clients.purge_unused(work, before=before, limit=ACCOUNTS)

    def of_store(function: Purge) -> Callable[[UnitOfWork, datetime], int]:
        return lambda work, before: function(work.db, before=before, limit=BATCH)

    tasks = {name: (of_store(function), age, BATCH) for name, (function, age) in PURGES.items()}
    tasks["accounts to delete"] = (to_delete, timedelta(0), ACCOUNTS)
    tasks["unconfirmed accounts"] = (never_confirmed, installation.settings.unconfirmed_lifetime, ACCOUNTS)
    tasks["unused clients"] = (unused_clients, timedelta(0), ACCOUNTS)
    tasks["failure counters"] = (failure_counters, timedelta(days=1), BATCH)
    deleted = dict.fromkeys(tasks, 0)
    for name, (delete, age, limit) in tasks.items():
        while True:
            with unit_of_work(installation) as work:
                count = delete(work, work.now - age)
            deleted[name] += count
            advance(count)
            if count < limit:
                break
            time.sleep(pause)
    return deleted


@dataclass
class Timetable:
    """A thread that does each task at its interval, the first time at once. A task that fails is done next time."""

    tasks: Mapping[Callable[[], object], float]
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="timetable", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)

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


def rotate_keys(installation: Installation) -> list[str]:
    """Do what the schedule of the signing keys asks for now. Which key pairs were moved on."""
    moved = []
    for pair in KEY_PAIRS:
        with unit_of_work(installation) as work:
            due = rotation.follow_schedule(work, pair)
        if due is not None:
            log.info("keys.moved_on", alg=pair, step=due)
            moved.append(pair)
    return moved


KEEP_EVERY = 5.0
PURGE_EVERY = 3600.0
COUNT_EVERY = 60.0
ROTATE_EVERY = 3600.0
PAUSE_AFTER_FAILURE = 5.0
"""Seconds without sending word over Redis after it failed; the timetable does the work meanwhile."""


class Worker:
    """Keeps the promises of an installation, or only sends word of them to the process that does.

    `wake` may be called from any thread, never raises and never waits: a request does not depend on this.
    """

    def __init__(self, settings: Settings, *, keeps_promises: bool = True, threads: int = 1) -> None:
        self._settings = settings
        self._keeps_promises = keeps_promises
        self._threads = threads
        self._words: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._messenger: threading.Thread | None = None
        self._timetables: list[Timetable] = []
        self._worker: Any = None

    def wake(self, promise_id: str) -> None:
        """Send word that a promise was committed."""
        self._words.put(promise_id)

    def start(self, installation: Installation) -> None:
        """Begin, without holding up the caller: importing dramatiq alone takes longer than a request."""
        self._messenger = threading.Thread(target=self._run, args=(installation,), name="messenger", daemon=True)
        self._messenger.start()

    def _begin(self, tasks: Mapping[Callable[[], object], float]) -> None:
        self._timetables.append(Timetable(tasks))
        self._timetables[-1].start()

    def stop(self) -> None:
        """Finish what is being kept now; the rest is found in the database at the next start."""
        if self._messenger is not None:
            self._words.put(None)
            self._messenger.join(5)
        for timetable in self._timetables:
            timetable.stop()
        if self._worker is not None:
            self._worker.stop(timeout=30_000)

    def _run(self, installation: Installation) -> None:
        import dramatiq  # noqa: PLC0415  # after the first request could have been answered

        broker = open_broker(self._settings)

        def keep_promise(promise_id: str) -> None:
            relay.keep(installation, promise_id, HANDLERS, ATTEMPTS)

        # SQL counts the attempts and knows when to try again; a message is only word that there is something to do.
        time_limit = int(relay.LEASE.total_seconds() * 1000) - 5000
        carried = dramatiq.actor(broker=broker, queue_name="promises", max_retries=0, time_limit=time_limit)
        actor = carried(keep_promise)

        def hand_over_counts() -> None:
            hourly.hand_over(installation)

        self._begin({hand_over_counts: COUNT_EVERY})
        if self._keeps_promises:
            self._worker = dramatiq.Worker(broker, worker_threads=self._threads, worker_timeout=100)
            self._worker.start()

            def keep_due() -> None:
                relay.keep_due(installation, HANDLERS, ATTEMPTS)

            def purge_expired() -> None:
                purge(installation, pause=0.1)

            def follow_key_schedule() -> None:
                rotate_keys(installation)

            self._begin({keep_due: KEEP_EVERY})  # apart: a mail server that hangs holds up no rotation
            self._begin({follow_key_schedule: ROTATE_EVERY, purge_expired: PURGE_EVERY})
        away_until = 0.0
        while (promise_id := self._words.get()) is not None:
            if time.monotonic() < away_until:
                continue
            try:
                actor.send(promise_id)
            except Exception as error:  # noqa: BLE001  # whatever the client raises: the timetable finds the promise
                away_until = time.monotonic() + PAUSE_AFTER_FAILURE
                log.warning("worker.broker_away", error=type(error).__name__)
        with suppress(*OUTAGES):
            hand_over_counts()


def open_broker(settings: Settings) -> "Broker":
    """Redis when configured, else a queue in this process."""
    if settings.redis_url is None:
        from dramatiq.brokers.stub import StubBroker  # noqa: PLC0415

        return StubBroker()
    import redis  # noqa: PLC0415
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    client = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=1)
    # By default a dead worker's messages come back after 17 minutes on average; this way within seconds of the lapse.
    broker: Broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq leaves it untyped
        client=client, namespace="signet", heartbeat_timeout=60_000, maintenance_chance=100_000
    )
    return broker


def run_worker(installation: Installation, *, threads: int) -> None:
    """Be the worker process until told to stop."""
    told_to_stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: told_to_stop.set())
    worker = Worker(installation.settings, threads=threads)
    worker.start(installation)
    log.info("worker.started", broker="redis" if installation.settings.redis_url else "none")
    told_to_stop.wait()
    worker.stop()
