"""Opening an installation from its settings. Commands use it without the web application, so that they start fast."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from provider.clock import clock_of
from provider.config.settings import Settings
from provider.crypto.vault import open_vault
from provider.database.engine import open_database
from provider.database.replica import open_replica
from provider.outbound.client import Outbound
from provider.provisioning import changes
from provider.signals import publish as signals
from provider.webhooks import notify
from provider.work import Installation, RateCounter, UnitOfWork


def publish(work: UnitOfWork, events: Sequence[Mapping[str, object]]) -> None:
    """Queue the events of a transaction for webhooks, what they change for the apps that get users, and what they mean
    to the receivers of shared signals.
    """
    notify.publish(work, events)
    changes.publish(work, events)
    signals.publish(work, events)


class _CounterOnDemand:
    """The counter of a process that may never count: it loads its library and opens its storage at the first hit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _counter(self) -> RateCounter:
        from provider.ratelimits.counter import open_counter  # noqa: PLC0415  # loads `limits`

        return open_counter(self._settings)

    def hit(self, limit: str, key: str) -> int | None:
        return self._counter.hit(limit, key)

    def look(self, limit: str, key: str) -> int | None:
        return self._counter.look(limit, key)


def open_installation(settings: Settings, **changes: Any) -> Installation:
    """Open what a process needs for these settings. `changes` are for tests: a clock, a counter."""
    database = changes.get("database") or open_database(settings)
    clock = changes.get("clock") or clock_of(database)
    given = {
        "database": database,
        "clock": clock,
        "vault": open_vault(settings),
        "counter": _CounterOnDemand(settings),
        "outbound": Outbound(settings, clock=clock),
        "publish": publish,
        "replica": open_replica(settings),
        **changes,
    }
    return Installation(settings=settings, **given)
