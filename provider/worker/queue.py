"""Carries the ids of outbox rows to threads that deliver them: a dramatiq broker, its actor and its worker threads.

A message is the id of one row and nothing else. The row decides whether there is something to do. One conditional
UPDATE claims it, so a message that is repeated, late or lost changes only when the row is delivered.
"""

from typing import TYPE_CHECKING

from provider.config.settings import Settings
from provider.database.engine import OUTAGES
from provider.observability.logging import log
from provider.outbox import relay
from provider.redis_client import NAMESPACE, open_redis
from provider.work import Installation
from provider.worker.handlers import HANDLERS, POLICIES

if TYPE_CHECKING:
    from dramatiq import Actor, Broker, Worker

QUEUE = "outbox"
REDIS_TIMEOUT = 5.0
"""How long one command to Redis may take, in seconds. Fetching waits in Redis for less."""


def open_broker(settings: Settings) -> "Broker":
    """Open the broker: Redis when it is configured, otherwise a queue in this process."""
    from dramatiq.middleware import Middleware, TimeLimit  # noqa: PLC0415  # dramatiq takes longer to import than a request

    middleware: list[Middleware] = [TimeLimit()]  # attempts are counted in SQL, so dramatiq's own retries stay out
    if settings.redis_url is None:
        from dramatiq.brokers.stub import StubBroker  # noqa: PLC0415

        return StubBroker(middleware=middleware)
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    # A command is tried once more, for a connection that Redis has closed; after that the row waits in the database.
    client = open_redis(settings.redis_url, timeout=REDIS_TIMEOUT, connect_timeout=1)
    # By default a dead worker's messages come back after 17 minutes on average; this way within seconds of the lapse.
    broker: Broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq leaves it untyped
        client=client, middleware=middleware, namespace=NAMESPACE, heartbeat_timeout=60_000, maintenance_chance=100_000
    )
    return broker


def open_actor(broker: "Broker", installation: Installation) -> "Actor[[str], None]":
    """Return the actor that delivers one outbox row; `send(row_id)` queues it.

    A delivery that takes almost as long as its claim lasts is interrupted, and retried as after a failure.
    """
    import dramatiq  # noqa: PLC0415
    from dramatiq.middleware import TimeLimitExceeded  # noqa: PLC0415

    def deliver(row_id: str) -> None:
        try:
            relay.deliver(installation, row_id, HANDLERS, POLICIES)
        except TimeLimitExceeded:  # the relay has put it back
            return
        except OUTAGES as error:  # the row stays due
            log.warning("outbox.database_unavailable", job=row_id, error=type(error).__name__)

    time_limit = int(relay.LEASE.total_seconds() * 1000) - 5000
    return dramatiq.actor(broker=broker, queue_name=QUEUE, time_limit=time_limit)(deliver)


def start_threads(broker: "Broker", count: int) -> "Worker":
    """Start this many threads that deliver queued rows; stop them with `stop`."""
    import dramatiq  # noqa: PLC0415

    broker.emit_after("process_boot")  # dramatiq's own command does this: it starts the thread of the time limits
    worker = dramatiq.Worker(broker, worker_threads=count, worker_timeout=100)
    worker.start()
    return worker
