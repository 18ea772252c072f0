"""One unit of work: refusals commit, crashes roll back (decision 40)."""

import dataclasses
import threading
from collections.abc import Callable

import pytest
from authlib.oauth2.rfc6749.errors import InvalidGrantError

from provider.audit import store
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.database.engine import OUTAGES
from provider.outbox import messages
from provider.refusals import Refusal
from provider.work import Installation, NeedsNetwork, Origin, UnitOfWork, unit_of_work
from tests.support.clock import Clock
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


def events(work: Work) -> list[str]:
    with work() as w:
        return [event.name for event in store.find(w.read)]


@pytest.mark.parametrize("error", [Refusal(), InvalidGrantError()])
def test_an_expected_no_keeps_its_traces(work: Work, error: Exception) -> None:
    with pytest.raises(type(error)), work() as w:
        record(w, Event.SIGN_IN_FAILED)
        raise error
    assert events(work) == ["session.sign_in.failed"]


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt()])
def test_anything_else_leaves_none(work: Work, error: BaseException) -> None:
    with pytest.raises(type(error)), work() as w:
        record(w, Event.SIGN_IN_FAILED)
        raise error
    assert events(work) == []


def test_what_is_counted_aside_survives_the_crash(work: Work) -> None:
    with pytest.raises(ValueError), work() as w:
        with w.aside() as db:
            store.append(db, an_event(w))
        record(w, Event.SIGNED_IN)
        raise ValueError
    assert len(events(work)) == 1


def test_a_change_whose_events_cannot_be_published_is_undone(installation: Installation, work: Work) -> None:
    def fail(_work: UnitOfWork, events: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), unit_of_work(dataclasses.replace(installation, publish=fail)) as w:
        record(w, Event.SIGNED_IN)
    assert events(work) == []
    with work() as w:  # and nobody waits for its lock
        record(w, Event.SIGNED_IN)
    assert events(work) == ["session.signed_in"]


def an_event(w: UnitOfWork) -> store.AuditEvent:
    return store.AuditEvent(new_id(), w.now, "aside", None, None, "", "", "", {})


def test_a_write_is_seen_by_others_only_after_its_end(work: Work) -> None:
    with work() as w:
        record(w, Event.SIGNED_IN)
        assert events(work) == []
        assert len(store.find(w.read)) == 1
    assert events(work) == ["session.signed_in"]


def test_time_stands_still_within_one(work: Work, clock: Clock) -> None:
    with work() as w:
        before = w.now
        clock.advance(hours=1)
        assert w.now == before


def test_whoever_only_reads_takes_no_lock(work: Work) -> None:
    with work() as reader:
        store.find(reader.read)
        with work() as writer:
            record(writer, Event.SIGNED_IN)
        assert len(store.find(reader.read)) == 1


def test_whoever_asks_nothing_takes_no_connection(installation: Installation, work: Work) -> None:
    with work():
        assert installation.database.in_use == 0


def test_nothing_is_held_while_somebody_elses_server_is_asked(installation: Installation, work: Work) -> None:
    with work() as w:
        store.find(w.read)
        assert w.outbound is installation.outbound
        assert installation.database.in_use == 0
        assert store.find(w.read) == []


def test_the_network_comes_before_the_first_write(work: Work) -> None:
    with pytest.raises(AssertionError), work() as w:
        record(w, Event.SIGNED_IN)
        _ = w.outbound
    assert events(work) == []


def test_where_nobody_may_wait_the_network_is_not_to_be_had(installation: Installation) -> None:
    with pytest.raises(NeedsNetwork), unit_of_work(installation, may_wait=False) as w:
        _ = w.outbound


def test_the_relay_is_woken_after_the_commit_and_only_then(installation: Installation, work: Work) -> None:
    woken: list[list[str]] = []
    awake = dataclasses.replace(installation, wake=lambda _promise: woken.append(events(work)))

    def promise(fails: bool) -> None:
        with unit_of_work(awake) as w:
            record(w, Event.SIGNED_IN)
            messages.enqueue(w, "mail", {}, about="a letter")
            if fails:
                raise ValueError

    with pytest.raises(ValueError):
        promise(fails=True)
    assert woken == []
    promise(fails=False)
    assert woken == [["session.signed_in"]]


def test_writers_wait_for_each_other_and_all_get_through(work: Work) -> None:
    together = threading.Barrier(4)

    def write() -> None:
        together.wait()
        for _ in range(5):
            with work() as w:
                record(w, Event.SIGNED_IN)

    run_all([write] * 4)
    assert len(events(work)) == 20


@pytest.mark.only_on("sqlite")
def test_a_writer_that_does_not_end_is_an_outage_for_the_others(installation: Installation, work: Work) -> None:
    """F-3: a bounded wait."""
    lock = installation.database._write_lock
    assert lock is not None
    lock._patience = 0.1
    with work() as holder:
        record(holder, Event.SIGNED_IN)
        with pytest.raises(OUTAGES), work() as other:
            record(other, Event.SIGNED_OUT)
    assert events(work) == ["session.signed_in"]


def test_an_event_says_where_from(work: Work) -> None:
    with work(Origin(network="203.0.113.9", user_agent="Browser", request_id="abc")) as w:
        record(w, Event.SIGNED_IN, user_id=None, client_id="shop", method="pwd")
    with work() as w:
        (event,) = store.find(w.read)
    assert (event.network, event.user_agent, event.request_id) == ("203.0.113.9", "Browser", "abc")
    assert (event.client_id, event.details) == ("shop", {"method": "pwd"})


def run_all(tasks: list[Callable[[], None]]) -> None:
    failed: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
