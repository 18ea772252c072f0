"""What runs beside requests: promises by message and by timetable, and purging."""

import dataclasses
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from provider.audit.store import audit_events
from provider.config.settings import Settings
from provider.database.base import new_id
from provider.outbox import messages, store
from provider.outbox.store import State
from provider.work import Installation, unit_of_work
from provider.worker import BATCH, Worker, purge
from tests.clock import Clock
from tests.conftest import SECRET_KEY, Work
from tests.mail.smtp_sink import Sink, smtp_sink
from tests.server_process import environment


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
        messages.put(work, "mail", letter, about="hello to ada@example.test")


def eventually(what: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def with_worker(installation: Installation, worker: Worker) -> Installation:
    return dataclasses.replace(installation, wake=worker.wake)


def is_kept(installation: Installation) -> bool:
    with unit_of_work(installation) as work:
        return {promise.state for promise in store.find(work.read)} == {State.KEPT}


def test_without_redis_a_letter_leaves_from_the_web_process_at_once(installation: Installation, sink: Sink) -> None:
    worker = Worker(installation.settings)
    installation = with_worker(installation, worker)
    worker.start(installation)
    eventually(lambda: len(worker._timetables) == 3)
    write(installation)
    eventually(lambda: sink.letters, seconds=3)  # the timetable alone would take five seconds
    eventually(lambda: is_kept(installation))
    worker.stop()


def test_what_was_promised_before_a_crash_is_kept_after_the_start(installation: Installation, sink: Sink) -> None:
    """Replaces: mail through a queue."""
    write(installation)
    worker = Worker(installation.settings)
    worker.start(installation)
    eventually(lambda: sink.letters)
    worker.stop()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_with_redis_the_web_process_sends_word_and_the_worker_sends_the_letter(
    installation: Installation, redis_url: str, sink: Sink
) -> None:
    settings = installation.settings.model_copy(update={"redis_url": redis_url})
    web, worker = Worker(settings, keeps_promises=False), Worker(settings)
    installation = with_worker(dataclasses.replace(installation, settings=settings), web)
    worker.start(installation)
    web.start(installation)
    eventually(lambda: len(worker._timetables) == 3)
    write(installation)
    eventually(lambda: sink.letters, seconds=4)
    worker.stop()
    web.stop()
    assert len(web._timetables) == 1  # it only hands over what it counted


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("listening", [True, False], ids=["hanging", "away"])
def test_a_request_does_not_notice_that_redis_is_away(installation: Installation, sink: Sink, listening: bool) -> None:
    """F-5: and the letter leaves all the same. Replaces: mail through a queue."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        url = f"redis://127.0.0.1:{server.getsockname()[1]}"
        worker = Worker(installation.settings.model_copy(update={"redis_url": url}))
        installation = with_worker(installation, worker)
        began = time.monotonic()
        write(installation)
        assert time.monotonic() - began < 3  # a hanging Redis would hold it for good
        worker.start(installation)
        eventually(lambda: sink.letters)
    worker.stop()


@contextmanager
def worker_process(installation: Installation, redis_url: str, smtp_port: int) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "SIGNET_DATABASE_URL": installation.settings.database_url,
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_REDIS_URL": redis_url,
        "SIGNET_SMTP_HOST": "127.0.0.1",
        "SIGNET_SMTP_PORT": str(smtp_port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "provider", "worker"], env=environment(settings), stderr=subprocess.DEVNULL
    )
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
            return store.find(w.read)[0].state == State.TRYING

    with socket.create_server(("127.0.0.1", 0)) as silent:
        with worker_process(installation, redis_url, silent.getsockname()[1]) as process:
            eventually(is_claimed, seconds=20)
            process.kill()
        with work() as w:  # instead of waiting for the lease to lapse
            w.db.execute(store.outbox.update().values(next_at=clock.now))
    with worker_process(installation, redis_url, sink.port) as process:
        eventually(lambda: sink.letters, seconds=20)
        process.terminate()
        assert process.wait(30) == 0
    assert len(sink.letters) == 1
    assert is_kept(installation)


def test_purging_deletes_what_is_old_in_batches_and_nothing_else(
    installation: Installation, work: Work, clock: Clock
) -> None:
    old, young = clock.now - timedelta(days=366), clock.now - timedelta(days=364)
    event = {"name": "x", "network": "", "user_agent": "", "request_id": "", "details": {}}
    with work() as w:
        many = [{"id": new_id(), "at": old, **event} for _ in range(BATCH + 1)]
        w.db.execute(audit_events.insert(), [*many, {"id": new_id(), "at": young, **event}])
    deleted = purge(installation)
    assert deleted.pop("audit events") == BATCH + 1
    assert set(deleted.values()) == {0}
    with work() as w:
        assert len(w.read.execute(audit_events.select()).all()) == 1
