"""Deliver the outbox without a worker: one round over everything that is due."""

from collections.abc import Mapping

from provider.outbox import relay
from provider.outbox.relay import Handler, RetryPolicy
from provider.work import Installation
from provider.worker.handlers import HANDLERS, POLICIES


def deliver_due(
    installation: Installation,
    handlers: Mapping[str, Handler] = HANDLERS,
    policies: Mapping[str, RetryPolicy] = POLICIES,
) -> int:
    """Try each row that is due, one after another. Returns how many were tried."""
    return sum(relay.deliver(installation, row_id, handlers, policies) for row_id, _ in relay.find_due(installation))
