"""What runs beside requests: deliveries by message and by timetable, and purging."""

import asyncio
import dataclasses
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy
from structlog.testing import capture_logs

from provider import processes
from provider.audit.store import audit_events
from provider.config.environment import load_settings
from provider.config.settings import Settings
from provider.database.base import new_id
from provider.database.outages import DatabaseUnavailable
from provider.outbox import messages, relay, store
from provider.outbox.store import DeliveryState
from provider.work import Installation, UnitOfWork, unit_of_work
from provider.worker import background, jobs, queue
from provider.worker.background import BackgroundWorker
from provider.worker.jobs import BATCH, RETAINED, SMALLEST, next_limit, purge
from tests.mail.smtp_sink import Sink, smtp_sink
from tests.support import forking
from tests.support.clock import Clock
from tests.support.forking import Forked
from tests.support.installation import SECRET_KEY, Work
from tests.support.server_process import environment
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.also_on_postgresql


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def settings(settings: Settings, sink: Sink) -> Settings:
    return settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": sink.port})


def write(installation: Installation) -> None:
    with unit_of_work(installation) as work:
        letter = {"to": "ada@example.test", "subject": "Hello", "text": "Hello", "html": "<p>Hello</p>"}
        messages.enqueue(work, "mail", letter, about="hello to ada@example.test")


def with_worker(installation: Installation, worker: BackgroundWorker) -> Installation:
    return dataclasses.replace(installation, wake=worker.wake)


def is_kept(installation: Installation) -> bool:
    with unit_of_work(installation) as work:
        return {promise.state for promise in store.find(work.read)} == {DeliveryState.SENT}


@pytest.fixture(autouse=True)
def _timetables_have_ended() -> Iterator[None]:
    """A stop waits for one at work, but not forever: on PostgreSQL it would write into the next test."""
    yield
    wait_until(lambda: all(thread.name != "timetable" for thread in threading.enumerate()))


@pytest.fixture
def no_timetable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found by looking at what is due: only a message makes a letter leave."""
    monkeypatch.setattr("provider.worker.background.QUEUE_DUE_EVERY", 3600.0)


def test_without_redis_a_letter_leaves_from_the_web_process_at_once(
    installation: Installation, sink: Sink, no_timetable: None
) -> None:
    worker = BackgroundWorker(installation.settings)
    installation = with_worker(installation, worker)
    worker.start(installation)
    wait_until(lambda: len(worker._timetables) >= 4)
    write(installation)
    wait_until(lambda: sink.emails)
    wait_until(lambda: is_kept(installation))
    worker.stop()


def test_a_process_is_listed_while_it_runs(installation: Installation, no_timetable: None) -> None:
    def running() -> list[bool]:
        with unit_of_work(installation) as work:
            return [each.delivers for each in processes.find_seen(work.read, since=work.now - processes.KEPT_FOR)]

    web, worker = BackgroundWorker(installation.settings, delivers=False), BackgroundWorker(installation.settings)
    web.start(installation)
    wait_until(lambda: running() == [False])
    worker.start(installation)
    wait_until(lambda: sorted(running()) == [False, True])
    worker.stop()
    assert running() == [False]
    web.stop()
    assert running() == []


def test_what_was_promised_before_a_crash_is_kept_after_the_start(installation: Installation, sink: Sink) -> None:
    """Replaces: mail through a queue."""
    write(installation)
    worker = BackgroundWorker(installation.settings)
    worker.start(installation)
    wait_until(lambda: sink.emails)
    worker.stop()


def test_with_redis_the_web_process_sends_word_and_the_worker_sends_the_letter(
    installation: Installation, redis_url: str, sink: Sink, no_timetable: None
) -> None:
    settings = installation.settings.model_copy(update={"redis_url": redis_url})
    web, worker = BackgroundWorker(settings, delivers=False), BackgroundWorker(settings)
    installation = with_worker(dataclasses.replace(installation, settings=settings), web)
    worker.start(installation)
    web.start(installation)
    wait_until(lambda: len(worker._timetables) >= 4)
    write(installation)
    wait_until(lambda: sink.emails)
    worker.stop()
    web.stop()
    assert len(web._timetables) == 1  # it only hands over what it counted


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("listening", [True, False], ids=["hanging", "away"])
def test_a_request_does_not_notice_that_redis_is_away(
    installation: Installation, sink: Sink, listening: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-5: and the letter leaves all the same. Replaces: mail through a queue."""
    monkeypatch.setattr(queue, "REDIS_TIMEOUT", 0.2)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        url = f"redis://127.0.0.1:{server.getsockname()[1]}"
        worker = BackgroundWorker(installation.settings.model_copy(update={"redis_url": url}))
        installation = with_worker(installation, worker)
        began = time.monotonic()
        write(installation)
        assert time.monotonic() - began < 30  # a hanging Redis would hold it for good
        worker.start(installation)
        wait_until(lambda: sink.emails)
    worker.stop()


@contextmanager
def worker_process(installation: Installation, redis_url: str, smtp_port: int) -> Iterator[Forked]:
    settings = {
        "SIGNET_DATABASE_URL": installation.settings.database_url,
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_REDIS_URL": redis_url,
        "SIGNET_SMTP_HOST": "127.0.0.1",
        "SIGNET_SMTP_PORT": str(smtp_port),
    }
    process = forking.start(["worker"], env=environment(settings))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_letter_survives_the_worker_that_was_killed_while_sending_it(
    installation: Installation, redis_url: str, sink: Sink, clock: Clock, work: Work
) -> None:
    """F-8, A-124."""
    write(installation)

    def is_claimed() -> bool:
        with work() as w:
            return store.find(w.read)[0].state == DeliveryState.SENDING

    with socket.create_server(("127.0.0.1", 0)) as silent:
        with worker_process(installation, redis_url, silent.getsockname()[1]) as process:
            wait_until(is_claimed)
            process.kill()
        with work() as w:  # instead of waiting for the lease to lapse
            w.db.execute(store.outbox.update().values(next_at=clock.now))
    with worker_process(installation, redis_url, sink.port) as process:
        wait_until(lambda: sink.emails)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert len(sink.emails) == 1
    assert is_kept(installation)


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], object]], None]:
    """`handled(deliver)`: what delivers emails from now on, called with the id of the row."""

    def use(deliver: Callable[[str], object]) -> None:
        monkeypatch.setattr(queue, "HANDLERS", {"mail": lambda _installation, row_id, _payload: deliver(row_id)})

    return use


def states(installation: Installation) -> Counter[str]:
    with unit_of_work(installation) as work:
        return Counter(row.state for row in store.find(work.read))


def test_twenty_emails_that_are_due_leave_in_parallel_through_a_slow_mail_server(
    installation: Installation, sink: Sink
) -> None:
    """The server answers nobody until four deliveries are waiting: one after another they would never leave."""
    sink.together = asyncio.Barrier(4)
    for _ in range(20):
        write(installation)
    worker = BackgroundWorker(installation.settings, threads=4)
    worker.start(installation)
    wait_until(lambda: len(sink.emails) == 20)
    wait_until(lambda: is_kept(installation))
    worker.stop()


def test_with_redis_two_worker_processes_share_what_is_due(
    installation: Installation, redis_url: str, sink: Sink
) -> None:
    for _ in range(12):
        write(installation)
    with worker_process(installation, redis_url, sink.port), worker_process(installation, redis_url, sink.port):
        wait_until(lambda: is_kept(installation))
    assert len(sink.emails) == 12


def test_a_delivery_beyond_the_time_limit_is_interrupted_and_tried_again_later(
    installation: Installation, handled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LEASE", timedelta(seconds=5.5))
    ended = threading.Event()

    def hang(_row_id: str) -> None:
        while not ended.is_set():
            time.sleep(0.01)

    handled(hang)
    write(installation)
    worker = BackgroundWorker(installation.settings, threads=1)
    worker.start(installation)
    wait_until(lambda: states(installation) == {DeliveryState.SENDING: 1})
    wait_until(lambda: states(installation) == {DeliveryState.WAITING: 1})
    ended.set()
    worker.stop()
    with unit_of_work(installation) as work:
        assert [(row.attempts, row.error) for row in store.find(work.read)] == [(1, "TimeLimitExceeded")]


@pytest.mark.only_on("sqlite")
def test_a_delivery_during_an_outage_of_the_database_logs_one_line_without_a_traceback(
    installation: Installation,
) -> None:
    """F-1: the row stays due, and leaves when the database is back."""
    write(installation)
    with unit_of_work(installation) as work:
        (row,) = store.find(work.read)
    actor = queue.open_actor(queue.open_broker(installation.settings), installation)
    connection = installation.database.connect()
    connection.exec_driver_sql("PRAGMA query_only = 1")
    installation.database.give_back(connection)  # the next one to be taken
    with capture_logs() as logs:
        actor(row.id)
    assert logs == [
        {
            "event": "outbox.database_unavailable",
            "log_level": "warning",
            "job": row.id,
            "error": "DatabaseUnavailable",
        }
    ]
    installation.database.disconnect()
    actor(row.id)
    assert is_kept(installation)


def test_stopping_finishes_what_is_under_way_and_begins_nothing_more(
    installation: Installation, handled: Callable[..., None]
) -> None:
    under_way, go_on = threading.Semaphore(0), threading.Event()

    def slow(_row_id: str) -> None:
        under_way.release()
        assert go_on.wait(60)

    handled(slow)
    for _ in range(6):
        write(installation)
    worker = BackgroundWorker(installation.settings, threads=2)
    worker.start(installation)
    assert all(under_way.acquire(timeout=60) for _ in range(2))
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_until(lambda: worker._worker is not None and not any(one.running for one in worker._worker.workers))
    go_on.set()
    stopping.join(60)
    assert not stopping.is_alive()
    assert states(installation) == {DeliveryState.SENT: 2, DeliveryState.WAITING: 4}


def test_stopping_does_not_wait_for_a_delivery_that_hangs(
    installation: Installation, handled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "STOP_WITHIN", 0.2)
    under_way, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def hang(_row_id: str) -> None:
        under_way.set()
        go_on.wait(60)
        over.set()

    handled(hang)
    write(installation)
    worker = BackgroundWorker(installation.settings, threads=1)
    worker.start(installation)
    assert under_way.wait(60)
    worker.stop()
    assert not over.is_set()
    assert states(installation) == {DeliveryState.SENDING: 1}  # due again when the claim lapses
    go_on.set()
    assert worker._worker is not None
    for thread in worker._worker.workers:  # until it has given its connection back
        thread.join(PATIENCE)
    assert is_kept(installation)


def test_a_row_that_is_due_is_queued_once_for_each_attempt(
    installation: Installation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(installation)
    sent: list[str] = []

    def send(row_id: str) -> bool:
        sent.append(row_id)
        return True

    due = background._DueRows(installation, send, threading.Event())
    due.queue()
    due.queue()
    assert len(sent) == 1

    def fail(*_: object) -> None:
        raise relay.TemporaryFailure("451 later")

    assert relay.deliver(installation, sent[0], {"mail": fail})
    due.queue()
    assert len(sent) == 1  # not due yet
    clock.advance(relay.BACK_OFF)
    due.queue()
    due.queue()
    assert sent == [sent[0]] * 2
    monkeypatch.setattr(background, "QUEUED_AGAIN_AFTER", 0.0)  # its message was lost, and time has passed
    due.queue()
    assert sent == [sent[0]] * 3


def test_purging_deletes_what_is_old_in_batches_and_nothing_else(
    installation: Installation, work: Work, clock: Clock
) -> None:
    old, young = clock.now - timedelta(days=400), clock.now - timedelta(days=364)  # PostgreSQL deletes whole months
    event = {"name": "x", "network": "", "user_agent": "", "request_id": "", "details": {}}
    with work() as w:
        many = [{"id": new_id(), "at": old, **event} for _ in range(BATCH + 1)]
        w.db.execute(audit_events.insert(), [*many, {"id": new_id(), "at": young, **event}])
    deleted = purge(installation)
    assert deleted.pop("audit events") == BATCH + 1
    assert set(deleted.values()) == {0}
    with work() as w:
        assert len(w.read.execute(audit_events.select()).all()) == 1


@pytest.mark.also_on_postgresql
def test_audit_events_are_kept_as_long_as_the_setting_says(
    installation: Installation, work: Work, clock: Clock
) -> None:
    """From a week to ten years, or with 0 forever. PostgreSQL deletes whole months, so this is the middle of one."""
    clock.now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    event = {"name": "x", "network": "", "user_agent": "", "request_id": "", "details": {}}
    with work() as w:
        ages = [timedelta(days=days) for days in (6, 16, 46, 3649, 3681)]
        w.db.execute(audit_events.insert(), [{"id": new_id(), "at": clock.now - age, **event} for age in ages])
    for written, left in (("0", 5), ("3650d", 4), ("30d", 2), ("7d", 1)):
        settings = installation.settings.model_copy(
            update={"audit_retention": load_settings({"SIGNET_AUDIT_RETENTION": written}).audit_retention}
        )
        purge(dataclasses.replace(installation, settings=settings))
        with work() as w:
            assert len(w.read.execute(audit_events.select()).all()) == left, written


def test_no_statement_of_the_purge_deletes_more_rows_than_a_batch(
    installation: Installation, work: Work, clock: Clock
) -> None:
    """docs/development/performance.md: no request waits for the purge for more than 50 ms."""
    event = {"name": "x", "network": "", "user_agent": "", "request_id": "", "details": {}}
    old = clock.now - timedelta(days=400)
    with work() as w:
        w.db.execute(audit_events.insert(), [{"id": new_id(), "at": old, **event} for _ in range(3 * BATCH)])
    deleted: list[int] = []

    def note(_c: object, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("DELETE"):
            deleted.append(cursor.rowcount)

    sqlalchemy.event.listen(installation.database.engine, "after_cursor_execute", note)
    assert purge(installation)["audit events"] == 3 * BATCH
    assert max(deleted) <= BATCH
    assert sum(deleted) == 3 * BATCH


def test_each_batch_of_the_purge_takes_the_earliest_rows_by_their_index(installation: Installation) -> None:
    """Issue 15: in no order, PostgreSQL read the table from its beginning, past all rows that were deleted before."""
    unordered: set[str] = set()

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if "LIMIT" in statement and "ORDER BY" not in statement:
            unordered.update([statement.split()[2]] if statement.startswith("DELETE FROM") else [])

    sqlalchemy.event.listen(installation.database.engine, "before_cursor_execute", note)
    purge(installation)
    few = {"audit_events", "refusals", "outbox"}  # those without a month, on PostgreSQL
    rarely = {"user_imports", "user_attribute_values"}
    assert unordered <= few | rarely


@pytest.mark.parametrize(
    ("limit", "took", "then"),
    [(500, 0.1, 125), (15, 0.1, SMALLEST), (250, 0.02, 250), (250, 0.005, 500), (500, 0.005, 500)],
)
def test_a_batch_that_took_long_is_followed_by_a_smaller_one(limit: int, took: float, then: int) -> None:
    assert next_limit(limit, took=took, most=BATCH) == then


def test_batches_of_the_purge_follow_the_time_that_they_take(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 15: a purge never takes more than 50 ms of a lock. The clock is moved by each batch.

    The commit of what has expired waits for no disk, since the next purge deletes what a crash of PostgreSQL brings
    back. That of an account's deletion, which others are told of, does.
    """
    moment, batches, early = [0.0], list[tuple[int, float]](), set[tuple[str, bool]]()
    milliseconds_of_a_row = [0.02] * 6 + [0.4] * 6
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    def note_commit(what: str) -> None:
        early.add((what, "SET LOCAL synchronous_commit = off" in statements))
        statements.clear()

    def expired(_db: sqlalchemy.Connection, *, before: datetime, limit: int) -> int:
        note_commit("expired")
        if len(batches) == len(milliseconds_of_a_row):
            return 0
        took = limit * milliseconds_of_a_row[len(batches)] / 1000
        moment[0] += took
        batches.append((limit, took))
        return limit

    def deletion(_work: UnitOfWork, *, before: datetime, limit: int) -> int:
        note_commit("accounts")
        return 0

    sqlalchemy.event.listen(installation.database.engine, "before_cursor_execute", note)
    monkeypatch.setattr(jobs, "PURGES", {"expired": (expired, timedelta(0))})
    monkeypatch.setattr(jobs, "RETAINED", {})
    monkeypatch.setattr("provider.accounts.deletion.purge", deletion)
    assert purge(installation, timer=lambda: moment[0])["expired"] == sum(limit for limit, _ in batches)
    assert [limit for limit, _ in batches] == [50, 100, 200, 400, BATCH, BATCH, BATCH, 62, 62, 62, 62, 62]
    assert max(took for _, took in batches[7:]) <= jobs.LONGEST, "only one was too large when rows took longer"
    assert early == {("expired", not installation.database.is_sqlite), ("accounts", False)}


def test_a_kind_that_the_database_refuses_keeps_no_other_from_being_deleted(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again with fewer rows. After three such kinds it is the database."""
    asked: list[tuple[str, int]] = []

    def kind(name: str, most: int) -> jobs.Purge:
        def delete(_db: sqlalchemy.Connection, *, before: datetime, limit: int) -> int:
            asked.append((name, limit))
            if limit > most:
                raise DatabaseUnavailable("the statement took too long")
            return 0

        return delete

    kinds = {"large": SMALLEST, "broken": 0, "sound": BATCH}
    monkeypatch.setattr(jobs, "RETAINED", {})
    monkeypatch.setattr(jobs, "PURGES", {name: (kind(name, most), timedelta(0)) for name, most in kinds.items()})
    with pytest.raises(DatabaseUnavailable):
        purge(installation)
    assert asked == [("large", 50), ("large", SMALLEST), ("broken", 50), ("broken", SMALLEST), ("sound", 50)]
    asked.clear()
    monkeypatch.setattr(jobs, "PURGES", {name: (kind(name, 0), timedelta(0)) for name in "abcd"})
    with pytest.raises(DatabaseUnavailable):
        purge(installation)
    assert {name for name, _ in asked} == {"a", "b", "c"}


@pytest.mark.parametrize("setting", ["rejected_request_retention", "outbox_retention", "session_retention"])
def test_each_retention_has_a_setting_and_zero_keeps_rows_forever(installation: Installation, setting: str) -> None:
    kinds = {name for name, (_, retention) in RETAINED.items() if retention(installation.settings) == timedelta(days=3)}
    assert not kinds
    for value in (timedelta(days=3), timedelta(0)):
        settings = installation.settings.model_copy(update={setting: value})
        kinds = {name for name, (_, retention) in RETAINED.items() if retention(settings) == value}
        assert kinds
        assert (kinds <= set(purge(dataclasses.replace(installation, settings=settings)))) == bool(value)
