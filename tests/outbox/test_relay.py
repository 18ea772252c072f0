"""What was promised is kept: at least once, visible when given up (F-7, F-8)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from provider.mail import transport
from provider.oauth.logout import back_channel
from provider.outbox import messages, relay, store
from provider.outbox.relay import OutcomeUnknown, PermanentFailure, RetryPolicy, TemporaryFailure
from provider.outbox.store import DeliveryState, Job
from provider.webhooks import delivery
from provider.work import Installation, unit_of_work
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases

Put = Callable[..., str]


class Handler:
    """Fails as told, then succeeds; remembers what it got."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.got: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, _installation: Installation, job_id: str, payload: dict[str, Any]) -> None:
        self.got.append((job_id, payload))
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture
def put(work: Work) -> Put:
    def put_one(**options: Any) -> str:
        with work() as w:
            return messages.enqueue(w, "mail", {"to": "ada@example.test"}, about="a letter", **options)

    return put_one


def read(work: Work, job_id: str) -> Job:
    with work() as w:
        return next(job for job in store.find(w.read) if job.id == job_id)


def test_a_kept_promise_is_handed_over_once_and_its_contents_erased(
    installation: Installation, work: Work, put: Put
) -> None:
    job_id, handler = put(), Handler()
    assert relay.deliver(installation, job_id, {"mail": handler})
    assert not relay.deliver(installation, job_id, {"mail": handler})
    assert handler.got == [(job_id, {"to": "ada@example.test"})]
    job = read(work, job_id)
    assert (job.state, job.payload) == (DeliveryState.SENT, None)


def test_a_crash_of_the_change_takes_its_promise_with_it(installation: Installation, work: Work) -> None:
    """Decision 69."""
    with pytest.raises(ZeroDivisionError), work() as w:
        messages.enqueue(w, "mail", {}, about="a letter")
        _ = 1 / 0
    assert deliver_due(installation, {"mail": Handler()}) == 0


def rounds(installation: Installation, clock: Clock, handler: Handler, policy: RetryPolicy) -> list[float]:
    """Deliver whenever something is due, until nothing is left; return the pauses in seconds."""
    pauses: list[float] = []
    last = clock.now
    while True:
        with unit_of_work(installation) as w:
            open_rows = [row for row in store.find(w.read) if row.state == DeliveryState.WAITING]
        if not open_rows:
            return pauses
        clock.advance(open_rows[0].next_at - clock.now)
        pauses.append((clock.now - last).total_seconds())
        last = clock.now
        deliver_due(installation, {"mail": handler}, {"mail": policy})


@pytest.mark.also_on_postgresql
def test_a_message_that_expires_is_retried_with_growing_pauses_until_then_and_is_visible_afterwards(
    installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    """F-7. Replaces: mail through a queue."""
    for lifetime, longest in ((timedelta(minutes=30), 75), (timedelta(hours=24), 3600), (timedelta(days=7), 3600)):
        handler, job_id = Handler(*[TemporaryFailure("451 not now")] * 1000), put(expires_at=clock.now + lifetime)
        pauses = rounds(installation, clock, handler, transport.RETRIES)
        assert pauses[1:5] == [5, 10, 20, 40]
        assert sorted(pauses[1:-1]) == pauses[1:-1]
        assert max(pauses) == longest
        assert sum(pauses) == lifetime.total_seconds()
        job = read(work, job_id)
        assert (job.state, job.payload is None) == (DeliveryState.FAILED, False)
        assert job.error == "expired before it could be delivered: 451 not now"


@pytest.mark.also_on_postgresql
@pytest.mark.parametrize(
    ("policy", "least", "most"),
    [(transport.RETRIES, 96, 110), (back_channel.RETRIES, 2.5, 3.5), (delivery.RETRIES, 2.5, 3.5)],
    ids=["mail", "logout", "webhook"],
)
def test_a_message_that_does_not_expire_is_retried_for_as_long_as_its_kind(
    policy: RetryPolicy, least: float, most: float, installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    """RFC 5321 section 4.5.4.1 for email: four to five days."""
    job_id, handler = put(), Handler(*[TemporaryFailure("451 not now")] * 1000)
    pauses = rounds(installation, clock, handler, policy)
    assert least <= sum(pauses) / 3600 <= most
    job = read(work, job_id)
    assert (job.state, job.attempts, job.error) == (DeliveryState.FAILED, policy.attempts, "451 not now")
    assert job.payload is not None


def test_crashes_count_only_in_a_row(installation: Installation, work: Work, put: Put, clock: Clock) -> None:
    """F-8: restarts during a long outage do not give a message up."""
    job_id, handler = put(expires_at=clock.now + timedelta(days=1)), Handler(*[TemporaryFailure("451")] * 9)
    for _ in range(relay.MAX_CRASHES):
        with work() as w:
            assert store.claim(w.db, job_id, now=clock.now, lease_until=clock.now + relay.LEASE)
        clock.advance(relay.LEASE)
        assert deliver_due(installation, {"mail": handler}, {"mail": transport.RETRIES}) == 1
        clock.advance(hours=1)
    assert read(work, job_id).state == DeliveryState.WAITING


def test_a_failed_promise_can_be_tried_again_by_the_operator(
    installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    job_id, handler = put(), Handler(PermanentFailure("550 no such mailbox"))
    relay.deliver(installation, job_id, {"mail": handler})
    with work() as w:
        assert store.retry(w.db, job_id, now=clock.now)
    assert deliver_due(installation, {"mail": handler}) == 1
    assert read(work, job_id).state == DeliveryState.SENT


def test_what_cannot_succeed_is_tried_once(installation: Installation, work: Work, put: Put, clock: Clock) -> None:
    job_id, handler = put(), Handler(PermanentFailure("550 no such mailbox"))
    relay.deliver(installation, job_id, {"mail": handler})
    clock.advance(hours=1)
    assert deliver_due(installation, {"mail": handler}) == 0
    assert read(work, job_id).error == "550 no such mailbox"


def test_what_was_not_tried_is_no_attempt_and_waits_longer_the_older_it_is(
    installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    job_id, seconds = put(), timedelta(seconds=1)

    def pass_by(*_: object) -> None:
        raise TemporaryFailure("it does not answer", until=clock.now + 7 * seconds)

    pauses = []
    for _ in range(40):
        assert relay.deliver(installation, job_id, {"mail": pass_by})
        job = read(work, job_id)
        assert (job.state, job.attempts, job.error) == (DeliveryState.WAITING, 0, "it does not answer")
        pauses.append(job.next_at - clock.now)
        clock.advance(2 * (job.next_at - clock.now))
    clock.advance(days=30)
    assert pauses[0] == 7 * seconds
    assert sorted(pauses) == pauses
    assert pauses[-1] > 2 * pauses[0]
    assert relay.deliver(installation, job_id, {"mail": pass_by})
    assert read(work, job_id).next_at == clock.now + relay.DEFAULT_POLICY.longest_pause
    clock.advance(relay.DEFAULT_POLICY.longest_pause)
    assert relay.deliver(installation, job_id, {"mail": Handler()})
    assert read(work, job_id).attempts == 1


def test_what_was_not_tried_expires_as_usual(installation: Installation, work: Work, put: Put, clock: Clock) -> None:
    end = clock.now + timedelta(seconds=4)
    job_id, handler = put(expires_at=end), Handler(TemporaryFailure("away", until=clock.now + timedelta(seconds=9)))
    assert relay.deliver(installation, job_id, {"mail": handler})
    assert read(work, job_id).next_at == end


@pytest.mark.parametrize(("lifetime", "pause"), [(None, 3600), (timedelta(minutes=30), 600), (timedelta(days=7), 3600)])
def test_what_may_have_succeeded_is_tried_twice_more_and_seldom(
    lifetime: timedelta | None, pause: int, installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    """RFC 1047: each further attempt may be a copy."""
    job_id = put(expires_at=None if lifetime is None else clock.now + lifetime)
    handler = Handler(*[OutcomeUnknown("no reply")] * 9)
    assert rounds(installation, clock, handler, transport.RETRIES) == [0, pause, pause]
    job = read(work, job_id)
    assert (job.state, job.attempts, job.error) == (DeliveryState.FAILED, 3, "no reply")


def test_jobs_that_failed_together_do_not_return_together(
    installation: Installation, work: Work, put: Put, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "JITTER", 0.25)
    until = clock.now + timedelta(seconds=8)
    for failure, least in ((TemporaryFailure("451"), 5), (TemporaryFailure("away", until=until), 8)):
        ids = [put() for _ in range(20)]
        for job_id in ids:
            relay.deliver(installation, job_id, {"mail": Handler(failure)})
        pauses = {(read(work, job_id).next_at - clock.now).total_seconds() for job_id in ids}
        assert len(pauses) == 20
        assert least <= min(pauses) < max(pauses) <= least * 1.25


def test_a_bug_in_a_handler_is_retried_and_its_text_is_not_kept(
    installation: Installation, work: Work, put: Put
) -> None:
    job_id = put()
    relay.deliver(installation, job_id, {"mail": Handler(KeyError("a secret"))})
    job = read(work, job_id)
    assert (job.state, job.error) == (DeliveryState.WAITING, "KeyError")


def test_a_handler_that_is_interrupted_is_tried_again_and_the_interruption_goes_on(
    installation: Installation, work: Work, put: Put
) -> None:
    class Interruption(BaseException): ...

    def interrupted(*_: object) -> None:
        raise Interruption

    job_id = put()
    with pytest.raises(Interruption):
        relay.deliver(installation, job_id, {"mail": interrupted})
    job = read(work, job_id)
    assert (job.state, job.attempts, job.error) == (DeliveryState.WAITING, 1, "Interruption")


def test_what_expired_is_not_delivered(installation: Installation, work: Work, put: Put, clock: Clock) -> None:
    handler, job_id = Handler(), put(expires_at=clock.now + timedelta(minutes=30))
    clock.advance(minutes=30)
    deliver_due(installation, {"mail": handler})
    assert handler.got == []
    assert read(work, job_id).state == DeliveryState.FAILED


def test_a_claim_is_one_attempts_alone_until_it_lapses(
    installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    """F-8: a worker that was killed holds nobody up for longer than the lease."""
    job_id, handler = put(), Handler()
    with work() as w:
        assert store.claim(w.db, job_id, now=clock.now, lease_until=clock.now + relay.LEASE)
    assert not relay.deliver(installation, job_id, {"mail": handler})
    clock.advance(relay.LEASE)
    assert deliver_due(installation, {"mail": handler}) == 1
    assert len(handler.got) == 1


def test_a_promise_whose_attempts_end_without_a_word_is_parked(
    installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    """F-8: what kills its worker must not do so for ever."""
    job_id, handler = put(), Handler()
    for _ in range(relay.MAX_CRASHES + 1):
        with work() as w:
            assert store.claim(w.db, job_id, now=clock.now, lease_until=clock.now + relay.LEASE)
        clock.advance(relay.LEASE)
    deliver_due(installation, {"mail": handler})
    assert handler.got == []
    assert read(work, job_id).state == DeliveryState.FAILED


def test_an_attempt_that_took_too_long_does_not_undo_what_the_next_one_did(
    installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    job_id, second = put(), Handler()

    def slow(installation: Installation, _job_id: str, _payload: dict[str, Any]) -> None:
        clock.advance(relay.LEASE)
        assert relay.deliver(installation, job_id, {"mail": second})
        raise TemporaryFailure("451 too late")

    relay.deliver(installation, job_id, {"mail": slow})
    assert read(work, job_id).state == DeliveryState.SENT


@pytest.mark.parametrize("failure", [TemporaryFailure("451 too late"), PermanentFailure("550 no such mailbox")])
def test_an_attempt_that_fails_too_late_leaves_the_message_to_the_next_attempt(
    failure: Exception, installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    """F-8: the claim expired, and another process is delivering the message now."""
    message_id = put()

    def fail_late(_installation: Installation, _message_id: str, _payload: dict[str, Any]) -> None:
        clock.advance(relay.LEASE)
        with work() as w:
            assert store.claim(w.db, message_id, now=clock.now, lease_until=clock.now + relay.LEASE)
        raise failure

    relay.deliver(installation, message_id, {"mail": fail_late})
    message = read(work, message_id)
    assert (message.state, message.attempts, message.error) == (DeliveryState.SENDING, 2, None)
    assert deliver_due(installation, {"mail": Handler()}) == 0


def test_the_purge_deletes_delivered_messages_and_keeps_those_that_wait(
    installation: Installation, work: Work, put: Put, clock: Clock
) -> None:
    """F-8: however long no worker ran, a message is not lost."""
    delivered, waiting = put(), put()
    assert relay.deliver(installation, delivered, {"mail": Handler()})
    clock.advance(days=62)  # PostgreSQL deletes whole months
    with work() as w:
        assert store.purge(w.db, before=clock.now - timedelta(days=30), limit=10) == 1
    assert read(work, waiting).state == DeliveryState.WAITING


def test_contents_are_unreadable_in_the_database(work: Work, put: Put) -> None:
    """A letter holds a link, and a link is a credential (A-104)."""
    payload = read(work, put()).payload
    assert payload is not None
    assert "ada@" not in payload


def test_contents_of_another_installation_fail_visibly(installation: Installation, work: Work, put: Put) -> None:
    job_id = put()
    with work() as w:
        w.db.execute(store.outbox.update().values(payload="aaaaaaaa.bbbb"))
    relay.deliver(installation, job_id, {"mail": Handler()})
    assert read(work, job_id).state == DeliveryState.FAILED
