"""Opening an installation from its settings. Commands use it without the web application, so that they start fast."""

from typing import Any

from provider.clock import clock_of
from provider.config.settings import Settings
from provider.crypto.vault import open_vault
from provider.database.engine import open_database
from provider.outbound.client import Outbound
from provider.ratelimit_counter import open_counter
from provider.webhooks import notify
from provider.work import Installation


def open_installation(settings: Settings, **changes: Any) -> Installation:
    """Open what a process needs for these settings. `changes` are for tests: a clock, a counter."""
    database = changes.get("database") or open_database(settings)
    clock = changes.get("clock") or clock_of(database)
    given = {
        "database": database,
        "clock": clock,
        "vault": open_vault(settings),
        "counter": open_counter(settings),
        "outbound": Outbound(settings, clock=clock),
        "publish": notify.publish,
        **changes,
    }
    return Installation(settings=settings, **given)
