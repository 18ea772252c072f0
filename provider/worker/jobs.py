"""The recurring jobs: delete what has expired, rotate the signing keys, and complete the index for search."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from provider import processes
from provider.accounts import deletion, search, throttle, unconfirmed
from provider.accounts.factors.store import used_challenges
from provider.accounts.known_devices import KEPT_FOR as KNOWN_FOR
from provider.accounts.store import known_devices, links
from provider.admin import store as idempotency
from provider.admin.bulk import runs as bulk_runs
from provider.admin.imports import store as user_imports
from provider.audit import daily, hourly
from provider.audit import store as audit
from provider.federation import store as used_states
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth import explanations
from provider.oauth import store as refusals
from provider.oauth.authorize.store import authorization_codes, authorization_requests
from provider.oauth.client_authentication import store as used_assertions
from provider.oauth.clients import client_search
from provider.oauth.clients.store import clients, initial_access_tokens
from provider.oauth.clients.unused_clients import purge_unused
from provider.oauth.grants import store as device_codes
from provider.oauth.keys import rotation
from provider.oauth.tokens.store import grants, refresh_tokens
from provider.observability.logging import log
from provider.outbox import store as outbox
from provider.sessions import store as sessions
from provider.work import Installation, UnitOfWork, unit_of_work
from provider.worker.partitions import maintain

BATCH = 500
"""The most rows of one purge transaction, so that none delays a request by more than 50 ms."""
ACCOUNTS = 50
"""The most accounts or clients of one purge transaction: rows of many tables are deleted with each."""


class Purge(Protocol):
    def __call__(self, db: Connection, /, *, before: datetime, limit: int) -> int: ...


PURGES: Mapping[str, tuple[Purge, timedelta]] = {
    "authorization requests": (authorization_requests.purge, timedelta(0)),
    "authorization codes": (authorization_codes.purge, timedelta(days=1)),  # a replay must be recognised
    "device codes": (device_codes.purge, timedelta(days=1)),  # the same
    "used assertions": (used_assertions.purge, timedelta(minutes=1)),  # nodes' clocks differ
    "client secrets": (clients.purge_secrets, timedelta(0)),
    "initial access tokens": (initial_access_tokens.purge, timedelta(0)),
    "refresh tokens": (refresh_tokens.purge, timedelta(days=1)),
    "grants": (grants.purge, timedelta(days=30)),
    "revoked access tokens": (grants.purge_revoked_jtis, timedelta(minutes=5)),
    "refusals": (refusals.purge, explanations.KEPT_FOR),
    "one-time links": (links.purge, timedelta(days=30)),
    "states of upstream sign-ins": (used_states.purge, timedelta(0)),
    "challenges of passkeys": (used_challenges.purge, timedelta(minutes=1)),
    "sessions": (sessions.purge, timedelta(days=30)),
    "known devices": (known_devices.purge, KNOWN_FOR),
    "idempotency keys": (idempotency.purge, timedelta(0)),
    "outbox": (outbox.purge, timedelta(days=30)),
    "changes to many users": (bulk_runs.purge, timedelta(days=90)),
    "rows of forgotten imports": (user_imports.expire, timedelta(days=1)),
    "imports": (user_imports.purge, timedelta(days=30)),
    "hourly counts": (hourly.purge, hourly.KEPT_FOR),
    "daily counts": (daily.purge, daily.KEPT_FOR),
    "processes": (processes.purge, processes.KEPT_FOR),
}
"""The purge function for each kind of row, and how long rows are kept after they stop mattering."""


def purge(
    installation: Installation, *, pause: float = 0.0, advance: Callable[[int], object] = lambda _rows: None
) -> dict[str, int]:
    """Delete what has expired, in batches, with `pause` seconds in between. Whole months come first, as partitions.

    Returns how many rows and months of each kind; `advance` is called with the size of each batch.
    """

    def failure_counters(work: UnitOfWork, before: datetime) -> int:
        return throttle.purge(work, before=before, limit=BATCH)

    def to_delete(work: UnitOfWork, before: datetime) -> int:
        return deletion.purge(work, before=before, limit=ACCOUNTS)

    def never_confirmed(work: UnitOfWork, before: datetime) -> int:
        return unconfirmed.purge(work, before=before, limit=ACCOUNTS)

    def unused_clients(work: UnitOfWork, before: datetime) -> int:
        return purge_unused(work, before=before, limit=ACCOUNTS)

    def of_store(function: Purge) -> Callable[[UnitOfWork, datetime], int]:
        return lambda work, before: function(work.db, before=before, limit=BATCH)

    tasks = {name: (of_store(function), age, BATCH) for name, (function, age) in PURGES.items()}
    settings = installation.settings
    if settings.audit_retention:
        tasks["audit events"] = (of_store(audit.purge), settings.audit_retention, BATCH)
    tasks["accounts to delete"] = (to_delete, timedelta(0), ACCOUNTS)
    tasks["unconfirmed accounts"] = (never_confirmed, settings.unconfirmed_lifetime, ACCOUNTS)
    tasks["unused clients"] = (unused_clients, timedelta(0), ACCOUNTS)
    tasks["failure counters"] = (failure_counters, timedelta(days=1), BATCH)
    deleted = maintain(installation) | dict.fromkeys(tasks, 0)
    for name, (delete, age, limit) in tasks.items():
        while True:
            with unit_of_work(installation) as work:
                count = delete(work, work.now - age)
            deleted[name] += count
            advance(count)
            if count < limit:
                break
            time.sleep(pause)
    return deleted


def rotate_keys(installation: Installation) -> list[str]:
    """Rotate the signing keys as far as their schedule requires now. Returns the key pairs that changed."""
    moved = []
    for pair in KEY_PAIRS:
        with unit_of_work(installation) as work:
            due = rotation.follow_schedule(work, pair)
        if due is not None:
            log.info("keys.rotated", alg=pair, step=due)
            moved.append(pair)
    return moved


def index_for_search(
    installation: Installation, *, pause: float = 0.0, stopped: Callable[[], bool] = lambda: False
) -> None:
    """Store what operators find users and clients by that an earlier release wrote, in batches.

    Pauses for `pause` seconds after each batch, and ends early once `stopped` returns True: the next run continues.
    """
    for index in (search.index_missing, client_search.index_missing):
        last = None
        while not stopped():
            with unit_of_work(installation) as work:
                last = index(work, after=last, limit=BATCH)
            if last is None:
                break
            time.sleep(pause)
