"""Audit events told to other systems (Standard Webhooks 1.0): signed, in the outbox until they arrived, once more on
demand.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
import standardwebhooks
import standardwebhooks.webhooks
from sqlalchemy import event as sqlalchemy_event
from standardwebhooks.webhooks import WebhookVerificationError

from provider.audit import log
from provider.audit import store as audit
from provider.audit.events import Event
from provider.config.settings import Settings
from provider.installation import open_installation
from provider.outbox import messages
from provider.outbox import store as outbox
from provider.outbox.store import DeliveryState, Job
from provider.ratelimits.counter import LimitCounter
from provider.refusals import NotFound, Refusal
from provider.runtime.throw_away import CLIENTS, FIRST_USER
from provider.webhooks import store, subscriptions
from provider.work import Installation, unit_of_work
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
from tests.support.foreign_server import ForeignServer, Request, answer, raw
from tests.support.installation import Work, settings_for


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@pytest.fixture
def deliver(installation: Installation) -> Callable[[], int]:
    """The worker's round: how many promises it tried."""
    return lambda: deliver_due(installation)


@pytest.fixture
def receiver(foreign_server: ForeignServer) -> ForeignServer:
    foreign_server.behaviour = answer(b"")
    return foreign_server


Listen = Callable[..., tuple[str, str]]


@pytest.fixture
def listen(work: Work, receiver: ForeignServer) -> Listen:
    """`listen("account.*")`: a webhook of the receiver; its id and secret."""

    def make(*events: str) -> tuple[str, str]:
        with work() as w:
            webhook, secret = subscriptions.create(w, url=receiver.url("/hook"), events=events)
        return webhook.id, secret

    return make


def jobs(work: Work) -> list[Job]:
    with work() as w:
        return [job for job in outbox.find(w.read) if job.topic == "webhook"]


def receiver_payload(installation: Installation, job: Job) -> str:
    assert job.payload is not None
    return installation.vault.decrypt(job.payload, purpose=messages.PURPOSE, context=job.id).decode()


def verified(request: Request, *secrets: str) -> dict[str, Any]:
    """Return the body after verifying it as a receiver does, with the library of Standard Webhooks and each secret."""
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    assert len(request.headers["webhook-signature"].split()) == len(secrets)
    sent_at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)

    class Then(datetime):
        """The tests' clock is not the machine's, and the library asks the machine's."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return sent_at.astimezone(tz)

    headers = dict(request.headers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standardwebhooks.webhooks, "datetime", Then)
        bodies: list[dict[str, Any]] = [receiver_of(secret).verify(request.body, headers) for secret in secrets]
        for secret in secrets:
            with pytest.raises(WebhookVerificationError):
                receiver_of(secret).verify(request.body + b" ", headers)
    return bodies[0]


def receiver_of(secret: str) -> standardwebhooks.Webhook:
    return standardwebhooks.Webhook(secret)


@pytest.mark.both_databases
def test_what_happens_is_told_signed_and_once(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    """Replaces: events."""
    _, secret = listen("account.*")
    with work() as w:
        user_id = make_user(w, "ada@example.test")
        log.record(w, Event.KEY_CREATED, kid="x")  # not asked for
    assert deliver() == 1
    assert deliver() == 0
    request = receiver.requests[0]
    assert len(receiver.requests) == 1
    body = verified(request, secret)
    assert body["type"] == "account.created"
    assert body["data"]["user_id"] == user_id
    assert request.headers["webhook-id"] == f"msg_{body['data']['id']}"
    assert int(request.headers["webhook-timestamp"]) == int(clock.now.timestamp())
    assert [job.state for job in jobs(work)] == [DeliveryState.SENT]


def test_what_was_undone_is_not_told(listen: Listen, work: Work) -> None:
    """The promise is made in the transaction of the event."""
    listen()
    before = len(jobs(work))
    with pytest.raises(ZeroDivisionError), work() as w:
        make_user(w, "ada@example.test")
        _ = 1 / 0
    assert len(jobs(work)) == before


def test_webhooks_are_read_once_in_a_transaction_of_many_events(installation: Installation, work: Work) -> None:
    read: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM webhooks" in statement:
            read.append(statement)

    sqlalchemy_event.listen(installation.database.engine, "before_cursor_execute", note)
    with work() as w:
        store.find_all(w.read)
    assert len(read) == 1  # the listener sees such a statement
    with work() as w:
        for _ in range(3):
            log.record(w, Event.KEY_CREATED, kid="x")
    assert len(read) == 2
    with work() as w:  # a transaction without an audit event
        messages.enqueue(w, "mail", {}, about="a letter")
    assert len(read) == 2


@pytest.mark.both_databases
def test_events_of_another_process_reach_a_webhook_from_the_moment_it_exists(
    listen: Listen, work: Work, installation: Installation, clock: Clock
) -> None:
    other = open_installation(installation.settings, clock=clock, counter=LimitCounter())
    try:
        with unit_of_work(other) as w:
            make_user(w, "ada@example.test")  # the other process knew no webhook here
        listen("account.created")
        with unit_of_work(other) as w:
            bob = make_user(w, "bob@example.test")
    finally:
        other.database.close()
    assert len(jobs(work)) == 1
    assert bob in receiver_payload(installation, jobs(work)[0])


def test_a_refused_request_keeps_its_events_for_webhooks_too(listen: Listen, work: Work) -> None:
    listen("session.*")
    with pytest.raises(NotFound), work() as w:
        log.record(w, Event.SIGN_IN_FAILED)
        raise NotFound
    assert len(jobs(work)) == 1


def test_a_receiver_that_is_away_is_told_later_under_the_same_id(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    _, secret = listen("account.*")
    receiver.behaviour = answer(b"", status="500 Oops")
    with work() as w:
        make_user(w, "ada@example.test")
    deliver()
    assert jobs(work)[0].error == "it answered 500"
    receiver.behaviour = answer(b"")
    clock.advance(minutes=1)
    deliver()
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    verified(second, secret)


def test_each_attempt_for_a_receiver_that_does_not_answer_is_a_request(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    """While it is not asked, because another event has just failed, no event loses one of its attempts."""
    listen("account.*")
    receiver.behaviour = raw(b"")
    for number in range(5):
        with work() as w:
            make_user(w, f"user{number}@example.test")
    for _ in range(30):
        deliver()
        clock.advance(seconds=5)
    assert len(receiver.requests) == sum(job.attempts for job in jobs(work)) > 5
    assert {job.state for job in jobs(work)} == {DeliveryState.WAITING}
    receiver.behaviour = answer(b"")
    for _ in range(30):
        clock.advance(minutes=1)
        deliver()
    assert {job.state for job in jobs(work)} == {DeliveryState.SENT}


def test_a_receiver_that_is_gone_is_told_no_more(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer
) -> None:
    """410 (Standard Webhooks, "Endpoint management"). Its first event fails, and what waits is canceled."""
    webhook_id, _ = listen("account.*", "webhook.disabled")
    receiver.behaviour = answer(b"", status="410 Gone")
    with work() as w:
        make_user(w, "ada@example.test")
        make_user(w, "eve@example.test")
    deliver()
    with work() as w:
        assert subscriptions.find(w, webhook_id).disabled_at is not None
        make_user(w, "bob@example.test")
        subscriptions.disable(w, webhook_id)
    assert sorted(job.state for job in jobs(work)) == [DeliveryState.CANCELLED, DeliveryState.FAILED]
    assert len(receiver.requests) == 1
    with work() as w:
        [disabled] = audit.find(w.read, names=[Event.WEBHOOK_DISABLED])
    changes = {"before": {"disabled": False}, "after": {"disabled": True}}
    assert disabled.details == {"webhook": webhook_id, "reason": "gone", **changes}


def test_an_event_that_waits_is_not_sent_to_a_webhook_that_was_disabled_meanwhile(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer
) -> None:
    """It is canceled, with the reason, and a replay sends it."""
    webhook_id, _ = listen("account.*")
    with work() as w:
        make_user(w, "ada@example.test")
    with work() as w:
        subscriptions.disable(w, webhook_id)
    deliver()
    assert receiver.requests == []
    [job] = jobs(work)
    assert (job.state, job.payload, job.error) == (DeliveryState.CANCELLED, None, "the webhook is gone or disabled")


def test_after_a_rotation_both_secrets_sign_for_a_day(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    webhook_id, old = listen("account.*")
    with work() as w:
        new = subscriptions.rotate_secret(w, webhook_id)
        make_user(w, "ada@example.test")
    deliver()
    verified(receiver.requests[0], new, old)
    clock.advance(hours=25)
    with work() as w:
        make_user(w, "bob@example.test")
    deliver()
    verified(receiver.requests[1], new)


@pytest.mark.both_databases
def test_what_happened_while_it_was_disabled_can_be_replayed(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    webhook_id, secret = listen("account.created")
    with work() as w:
        subscriptions.disable(w, webhook_id)
        make_user(w, "ada@example.test")
    clock.advance(minutes=1)
    with work() as w:
        make_user(w, "bob@example.test")
    inserts: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        inserts.extend([statement] if statement.startswith("INSERT INTO outbox") else [])

    with work() as w:
        subscriptions.enable(w, webhook_id)
        sqlalchemy_event.listen(w.installation.database.engine, "before_cursor_execute", note)
        assert subscriptions.replay(w, webhook_id, since=w.now - timedelta(hours=1)) == 2
    assert len(inserts) == 1, "thousands of events are queued at once, too"
    assert deliver() == 2
    assert [verified(request, secret)["type"] for request in receiver.requests] == ["account.created"] * 2


def test_a_replay_has_nothing_of_the_probes(listen: Listen, work: Work) -> None:
    webhook_id, _ = listen("account.created", "client.created")
    with work() as w:
        log.record(w, Event.ACCOUNT_CREATED, user_id=FIRST_USER)
        log.record(w, Event.CLIENT_CREATED, client_id=f"{CLIENTS}1-a")
        user_id = make_user(w, "ada@example.test")
    before = {job.id for job in jobs(work)}
    assert len(before) == 1
    with work() as w:
        assert subscriptions.replay(w, webhook_id, since=w.now - timedelta(hours=1)) == 1
        [again] = [job for job in outbox.find(w.db) if job.topic == "webhook" and job.id not in before]
    assert user_id in receiver_payload(w.installation, again)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.test/",
        "https://127.0.0.9/",
        "https://[::1]/",
        "file:///etc/passwd",
        "https://",
        "https://[",
        "x",
        "https://a.test/{id}",
    ],
)
def test_only_an_address_that_may_be_asked_is_taken(url: str, work: Work, installation: Installation) -> None:
    """A-101."""
    strict = installation.settings.model_copy(update={"outbound_allow": frozenset()})
    with work() as w:
        w.settings = strict
        with pytest.raises(Refusal):
            subscriptions.create(w, url=url)


def test_an_event_there_is_not_is_refused(listen: Listen) -> None:
    for wrong in ("account", "account.exploded", "*", "ccount.*"):
        with pytest.raises(Refusal, match="There is no event"):
            listen(wrong)
