"""Deliver the outbox without a worker: one round over everything that is due."""

from collections.abc import Mapping

from provider.outbox import relay
from provider.outbox.relay import Handler
from provider.work import Installation
from provider.worker.handlers import ATTEMPTS, HANDLERS


def deliver_due(
    installation: Installation, handlers: Mapping[str, Handler] = HANDLERS, attempts: Mapping[str, int] = ATTEMPTS
) -> int:
    """Try each row that is due, one after another. Returns how many were tried."""
    return sum(relay.deliver(installation, row_id, handlers, attempts) for row_id, _ in relay.find_due(installation))
