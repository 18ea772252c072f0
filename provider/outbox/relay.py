"""Delivers queued messages: claims a row, calls its topic's handler, records the result.

Delivery is at least once. Handlers try once, and retries are here: `next_attempt` says when, and each topic's
`RetryPolicy` for how long (`worker.handlers.POLICIES`).

Claim and result are two short transactions; no transaction is open while a handler uses the network. If a process dies
in between, its claim expires and the message is retried, so handlers must tolerate repetition.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from provider.crypto.vault import VaultError
from provider.observability.logging import log
from provider.outbox import store
from provider.outbox.messages import PURPOSE
from provider.outbox.metrics import PROMISES
from provider.outbox.store import Message
from provider.work import Installation, unit_of_work

LEASE = timedelta(seconds=60)
"""How long a claim lasts. Every handler has finished or given up well before."""
BACK_OFF = timedelta(seconds=5)
"""The wait before the second attempt; it doubles with each further attempt."""
MAX_CRASHES = 3
"""After how many attempts in a row without an outcome a message is given up: it may be what kills the process."""
PAUSES_PER_LIFETIME = 24
"""A message that expires waits at most this fraction of its lifetime between two attempts."""
MOST_DUE = 1000
"""The most rows that `find_due` returns."""

Handler = Callable[[Installation, str, dict[str, Any]], None]
"""A function that gets the message's id, the same at each attempt, and its payload."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long a topic's messages are retried: those that expire until then, the others for `attempts`.

    Pauses double from BACK_OFF up to `longest_pause`.
    """

    attempts: int
    longest_pause: timedelta


DEFAULT_POLICY = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))
"""For topics without their own: twelve attempts over some three hours."""
NO_OTHERS: Mapping[str, RetryPolicy] = MappingProxyType({})


class PermanentFailure(Exception):
    """A failure that a retry would not fix. The text is kept for the operator and contains no secrets."""


class TemporaryFailure(Exception):
    """A failure that is worth a retry. The text is kept for the operator and contains no secrets."""


def deliver(
    installation: Installation,
    message_id: str,
    handlers: Mapping[str, Handler],
    policies: Mapping[str, RetryPolicy] = NO_OTHERS,
) -> bool:
    """Try to deliver a message. Returns False if it is settled, not due, or claimed by another process.

    `policies` has the policy of topics that do not use DEFAULT_POLICY.
    """
    message = _claim(installation, message_id)
    if message is None:
        return False
    try:
        payload = _open(installation, message)
        handlers[message.topic](installation, message.id, payload)
    except PermanentFailure as failure:
        _give_up(installation, message, str(failure))
    except BaseException as failure:  # a bug or an interruption must neither lose the row nor retry it for ever
        known = isinstance(failure, TemporaryFailure)
        problem = str(failure) if known else type(failure).__name__
        _try_later(installation, message, problem, policies.get(message.topic, DEFAULT_POLICY))
        if not isinstance(failure, Exception):
            raise
    else:
        with unit_of_work(installation) as work:
            store.mark_sent(work.db, message.id)
        PROMISES.count(message.topic, "kept")
        log.info("outbox.delivered", job=message.id, topic=message.topic, attempts=message.attempts)
    return True


def find_due(installation: Installation) -> list[tuple[str, datetime]]:
    """Return (id, due since) of each row that is due, oldest first, at most MOST_DUE."""
    with unit_of_work(installation) as work:
        return store.find_due(work.read, now=work.now, limit=MOST_DUE)


def next_attempt(message: Message, policy: RetryPolicy, now: datetime) -> datetime | None:
    """Return when to retry a message whose attempt failed now; None to give up.

    The last pause before a message expires ends there: the claim then records that it expired.
    """
    pause = min(BACK_OFF * (1 << min(message.attempts - 1, 16)), policy.longest_pause)
    if message.expires_at is None:
        return now + pause if message.attempts < policy.attempts else None
    longest = max(BACK_OFF, (message.expires_at - message.created_at) / PAUSES_PER_LIFETIME)
    return min(now + min(pause, longest), message.expires_at) if message.expires_at > now else None


def _claim(installation: Installation, message_id: str) -> Message | None:
    with unit_of_work(installation) as work:
        message = store.claim(work.db, message_id, now=work.now, lease_until=work.now + LEASE)
        if message is None:
            return None
        if message.expires_at is not None and message.expires_at <= work.now:
            problem = "expired before it could be delivered" + (f": {message.error}" if message.error else "")
        elif message.crashes >= MAX_CRASHES:
            problem = f"no outcome after {message.crashes} attempts in a row"
        else:
            return message
        store.mark_failed(work.db, message.id, attempt=message.attempts, error=problem)
        PROMISES.count(message.topic, "failed")
        log.error("outbox.failed", job=message.id, topic=message.topic, error=problem)
        return None


def _open(installation: Installation, message: Message) -> dict[str, Any]:
    try:
        plain = installation.vault.decrypt(message.payload or "", purpose=PURPOSE, context=message.id)
    except VaultError as error:
        raise PermanentFailure("the payload cannot be decrypted with the configured secret keys") from error
    payload: dict[str, Any] = json.loads(plain)
    return payload


def _try_later(installation: Installation, message: Message, problem: str, policy: RetryPolicy) -> None:
    with unit_of_work(installation) as work:
        at = next_attempt(message, policy, work.now)
        if at is not None:
            store.schedule_retry(work.db, message.id, attempt=message.attempts, next_at=at, error=problem)
    if at is None:
        _give_up(installation, message, problem)
        return
    PROMISES.count(message.topic, "put_back")
    log.warning("outbox.retry_scheduled", job=message.id, topic=message.topic, attempts=message.attempts, error=problem)


def _give_up(installation: Installation, message: Message, problem: str) -> None:
    with unit_of_work(installation) as work:
        store.mark_failed(work.db, message.id, attempt=message.attempts, error=problem)
    PROMISES.count(message.topic, "failed")
    log.error("outbox.failed", job=message.id, topic=message.topic, attempts=message.attempts, error=problem)
