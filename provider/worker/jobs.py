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
from provider.accounts.store import attribute_values, known_devices, links, remembered_devices
from provider.audit import daily, hourly
from provider.audit import store as audit
from provider.config.settings import Settings
from provider.database.dialect import commit_before_flush
from provider.database.engine import OUTAGES
from provider.federation import token_revocations
from provider.federation.store import used_states
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth import store as refusals
from provider.oauth.authorize.store import authorization_codes, authorization_requests
from provider.oauth.client_authentication import store as used_assertions
from provider.oauth.clients import client_search
from provider.oauth.clients.store import client_secrets, initial_access_tokens
from provider.oauth.clients.unused_clients import purge_unused
from provider.oauth.grants.store import backchannel_requests, device_codes
from provider.oauth.keys import rotation
from provider.oauth.sender_constraint import store as used_proofs
from provider.oauth.tokens.store import delegations, grants, refresh_tokens, revoked_access_tokens
from provider.observability.logging import log
from provider.operators import store as idempotency
from provider.operators.bulk import runs as bulk_runs
from provider.operators.imports import store as user_imports
from provider.outbox import store as outbox
from provider.sessions import store as sessions
from provider.work import Installation, UnitOfWork, unit_of_work
from provider.worker.partitions import maintain

BATCH = 500
"""The most rows of one purge transaction."""
FIRST, SMALLEST = 50, 10
SHORT, LONGEST = 0.01, 0.025
"""After a transaction that took longer than LONGEST, in seconds, the next one deletes as many rows as take that long,
but at least SMALLEST; after one that took less than SHORT, twice as many. So none holds its locks, or the only writer
of SQLite, for 50 ms.
"""
MOST_FAILURES = 3
"""After how many kinds that fail a purge ends: then it is the database."""
ACCOUNTS = 50
"""The most accounts or clients of one purge transaction: rows of many tables are deleted with each."""


class Purge(Protocol):
    """Deletes up to `limit` rows of a store, the earliest first, which the index of their time finds.

    Without an order, PostgreSQL does not use the index once most of the table is old: each batch would read the table
    from its beginning, past all rows that earlier batches have deleted.
    """

    def __call__(self, db: Connection, /, *, before: datetime, limit: int) -> int: ...


Delete = Callable[[UnitOfWork, datetime, int], int]
"""Deletes up to as many rows from before a time. Returns how many."""


def _rule(function: Callable[..., int]) -> Delete:
    return lambda work, before, limit: function(work, before=before, limit=limit)


PURGES: Mapping[str, tuple[Purge, timedelta]] = {
    "authorization requests": (authorization_requests.purge, timedelta(0)),
    "device codes": (device_codes.purge, timedelta(days=1)),  # a replay must be recognized
    "backchannel requests": (backchannel_requests.purge, timedelta(days=1)),  # the same
    "used assertions": (used_assertions.purge, timedelta(minutes=1)),  # nodes' clocks differ
    "used DPoP proofs": (used_proofs.purge, timedelta(minutes=1)),
    "client secrets": (client_secrets.purge, timedelta(0)),
    "initial access tokens": (initial_access_tokens.purge, timedelta(0)),
    "revoked access tokens": (revoked_access_tokens.purge, timedelta(minutes=5)),
    "states of upstream sign-ins": (used_states.purge, timedelta(0)),
    "challenges of passkeys": (used_challenges.purge, timedelta(minutes=1)),
    "values of deleted attributes": (attribute_values.purge, timedelta(0)),
    "remembered devices": (remembered_devices.purge, timedelta(0)),
    "known devices": (known_devices.purge, KNOWN_FOR),
    "idempotency keys": (idempotency.purge, timedelta(0)),
    "changes to many users": (bulk_runs.purge, timedelta(days=90)),
    "rows of forgotten imports": (user_imports.expire, timedelta(days=1)),
    "imports": (user_imports.purge, timedelta(days=30)),
    "hourly counts": (hourly.purge, hourly.KEPT_FOR),
    "daily counts": (daily.purge, daily.KEPT_FOR),
    "processes": (processes.purge, processes.KEPT_FOR),
}
"""The purge function for each kind of row, and how long rows are kept after they stop mattering."""


def _while_access_lasts(settings: Settings) -> timedelta:
    """Return how long codes and refresh tokens are kept after they expired: a replay must be recognized, and access
    tokens that were issued for them must have expired, because their grants can be deleted with them.
    """
    return max(timedelta(days=1), settings.access_token_lifetime)


RETAINED: Mapping[str, tuple[Purge, Callable[[Settings], timedelta]]] = {
    "authorization codes": (authorization_codes.purge, _while_access_lasts),
    "refresh tokens": (refresh_tokens.purge, _while_access_lasts),
    "audit events": (audit.purge, lambda settings: settings.audit_retention),
    "refusals": (refusals.purge, lambda settings: settings.rejected_request_retention),
    "outbox": (outbox.purge, lambda settings: settings.outbox_retention),
    "sessions": (sessions.purge, lambda settings: settings.session_retention),
    "delegations": (delegations.purge, lambda settings: settings.session_retention),
    "grants": (grants.purge, lambda settings: settings.session_retention),
    "one-time links": (links.purge, lambda settings: settings.session_retention),
}
"""The purges of what is kept as long as a setting says, or forever if that is 0."""


def _of_store(function: Purge) -> Delete:
    def delete(work: UnitOfWork, before: datetime, limit: int) -> int:
        commit_before_flush(work.db)  # what a crash brings back is deleted by the next purge
        return function(work.db, before=before, limit=limit)

    return delete


def purge(
    installation: Installation,
    *,
    pause: float = 0.0,
    advance: Callable[[int], object] = lambda _rows: None,
    timer: Callable[[], float] = time.perf_counter,
) -> dict[str, int]:
    """Delete what has expired, in batches, with `pause` seconds in between. Whole months come first, as partitions.

    Returns how many rows and months of each kind; `advance` is called with the size of each batch. `timer` tells the
    seconds by which batches become larger and smaller.

    A kind that takes longer than the database allows keeps no other from being deleted. Raises its error at the end.
    """
    tasks: dict[str, tuple[Delete, timedelta, int]] = {
        name: (_of_store(function), age, BATCH) for name, (function, age) in PURGES.items()
    }
    settings = installation.settings
    for name, (function, retention) in RETAINED.items():
        if age := retention(settings):
            tasks[name] = (_of_store(function), age, BATCH)
    tasks["accounts to delete"] = (_rule(deletion.purge), timedelta(0), ACCOUNTS)
    tasks["unconfirmed accounts"] = (_rule(unconfirmed.purge), settings.unconfirmed_lifetime, ACCOUNTS)
    tasks["unused clients"] = (_rule(purge_unused), timedelta(0), ACCOUNTS)
    tasks["tokens of upstream providers"] = (_rule(token_revocations.purge), timedelta(0), BATCH)
    tasks["failure counters"] = (_rule(throttle.purge), timedelta(days=1), BATCH)
    deleted, failures = dict.fromkeys(tasks, 0), []
    try:
        deleted = maintain(installation) | deleted
    except OUTAGES as failed:
        failures.append(failed)
    for name, (delete, age, most) in tasks.items():
        limit = min(FIRST, most)
        while True:
            began = timer()
            try:
                with unit_of_work(installation) as work:
                    count = delete(work, work.now - age, limit)
            except OUTAGES as failed:
                if limit > SMALLEST:
                    limit = SMALLEST
                    continue
                failures.append(failed)
                break
            took = timer() - began
            deleted[name] += count
            advance(count)
            if count < limit:
                break
            limit = next_limit(limit, took=took, most=most)
            time.sleep(pause)
        if len(failures) == MOST_FAILURES:
            break
    if failures:
        raise failures[0]
    return deleted


def next_limit(limit: int, *, took: float, most: int) -> int:
    """Return how many rows the next transaction may delete, after one of `limit` rows that took so many seconds."""
    if took > LONGEST:
        return max(SMALLEST, int(limit * LONGEST / took))
    return min(most, limit * 2) if took < SHORT else limit


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

    Pauses for `pause` seconds after each batch that was stored, and for a tenth of that after one where nothing was
    missing. Ends early once `stopped` returns True: the next run continues.
    """
    for index in (search.index_missing, client_search.index_missing):
        last = None
        while not stopped():
            with unit_of_work(installation) as work:
                last = index(work, after=last, limit=BATCH)
            if last is None:
                break
            time.sleep(pause if work.has_committed else pause / 10)
