"""Audit events told to other systems (Standard Webhooks 1.0): signed, in the outbox until they arrived, once more on
demand.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from provider.admin import webhooks
from provider.audit import log
from provider.audit.events import Event
from provider.config.settings import Settings
from provider.outbox import relay
from provider.outbox import store as outbox
from provider.outbox.store import Promise, State
from provider.refusals import Refusal
from provider.work import Installation
from provider.worker import ATTEMPTS, HANDLERS
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.foreign_server import ForeignServer, Request, answer
from tests.support.installation import Work, settings_for


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@pytest.fixture
def deliver(installation: Installation) -> Callable[[], int]:
    """The worker's round: how many promises it tried."""
    return lambda: relay.keep_due(installation, HANDLERS, ATTEMPTS)


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
            webhook, secret = webhooks.create(w, url=receiver.url("/hook"), events=events)
        return webhook.id, secret

    return make


def promised(work: Work) -> list[Promise]:
    with work() as w:
        return [promise for promise in outbox.find(w.read) if promise.topic == "webhook"]


def verified(request: Request, *secrets: str) -> dict[str, Any]:
    """What a receiver does first (Standard Webhooks, "Verifying webhook authenticity"): each secret signed it."""
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    given = request.headers["webhook-signature"].split()
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        assert "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() in given
    assert len(given) == len(secrets)
    body: dict[str, Any] = json.loads(request.body)
    return body


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
    assert [promise.state for promise in promised(work)] == [State.KEPT]


def test_what_was_undone_is_not_told(listen: Listen, work: Work) -> None:
    """The promise is made in the transaction of the event."""
    listen()
    before = len(promised(work))
    with pytest.raises(ZeroDivisionError), work() as w:
        make_user(w, "ada@example.test")
        _ = 1 / 0
    assert len(promised(work)) == before


def test_a_receiver_that_is_away_is_told_later_under_the_same_id(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    _, secret = listen("account.*")
    receiver.behaviour = answer(b"", status="500 Oops")
    with work() as w:
        make_user(w, "ada@example.test")
    deliver()
    assert promised(work)[0].error == "it answered 500"
    receiver.behaviour = answer(b"")
    clock.advance(minutes=1)
    deliver()
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    verified(second, secret)


def test_a_receiver_that_is_gone_is_told_no_more(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer
) -> None:
    """410 (Standard Webhooks, "Endpoint management")."""
    webhook_id, _ = listen("account.*")
    receiver.behaviour = answer(b"", status="410 Gone")
    with work() as w:
        make_user(w, "ada@example.test")
    deliver()
    with work() as w:
        assert webhooks.find(w, webhook_id).disabled_at is not None
        make_user(w, "bob@example.test")
    assert [promise.state for promise in promised(work)] == [State.FAILED]
    assert len(receiver.requests) == 1


def test_after_a_rotation_both_secrets_sign_for_a_day(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    webhook_id, old = listen("account.*")
    with work() as w:
        new = webhooks.rotate_secret(w, webhook_id)
        make_user(w, "ada@example.test")
    deliver()
    verified(receiver.requests[0], new, old)
    clock.advance(hours=25)
    with work() as w:
        make_user(w, "bob@example.test")
    deliver()
    verified(receiver.requests[1], new)


def test_what_happened_while_it_was_disabled_can_be_replayed(
    listen: Listen, work: Work, deliver: Callable[[], int], receiver: ForeignServer, clock: Clock
) -> None:
    webhook_id, secret = listen("account.created")
    with work() as w:
        webhooks.disable(w, webhook_id)
        make_user(w, "ada@example.test")
    clock.advance(minutes=1)
    with work() as w:
        make_user(w, "bob@example.test")
        webhooks.enable(w, webhook_id)
        assert webhooks.replay(w, webhook_id, since=w.now - timedelta(hours=1)) == 2
    assert deliver() == 2
    assert [verified(request, secret)["type"] for request in receiver.requests] == ["account.created"] * 2


@pytest.mark.parametrize(
    "url", ["http://hooks.example.test/", "https://127.0.0.9/", "https://[::1]/", "file:///etc/passwd", "https://", "x"]
)
def test_only_an_address_that_may_be_asked_is_taken(url: str, work: Work, installation: Installation) -> None:
    """A-101."""
    strict = installation.settings.model_copy(update={"outbound_allow": frozenset()})
    with work() as w:
        w.settings = strict
        with pytest.raises(Refusal):
            webhooks.create(w, url=url)


def test_an_event_there_is_not_is_refused(listen: Listen) -> None:
    for wrong in ("account", "account.exploded", "*", "ccount.*"):
        with pytest.raises(Refusal, match="There is no event"):
            listen(wrong)
