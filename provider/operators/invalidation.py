"""Revocation of everything issued before a given time, for use after a restore (decision 58).

A backup brings back what has ended since: rotated refresh tokens, signed-out sessions, used codes and links. All of it
is ended here in batches, each in its own transaction. An interrupted run is finished by running it again with the same
time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, bindparam, func, or_, select, update

from provider.accounts.store.links import LinkStatus, one_time_links
from provider.accounts.store.remembered_devices import remembered_devices
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.types import UtcTime
from provider.oauth.authorize.store.authorization_requests import authorization_requests
from provider.oauth.clients.store.initial_access_tokens import initial_access_tokens
from provider.oauth.grants.store.backchannel_requests import backchannel_requests
from provider.oauth.grants.store.device_codes import device_codes
from provider.oauth.keys import rotation
from provider.oauth.keys.store import State as KeyState
from provider.oauth.tokens.store.grants import grants
from provider.outbox.store import DeliveryState, outbox
from provider.sessions import lifecycle
from provider.sessions.store import sessions
from provider.work import Installation, UnitOfWork, unit_of_work

BATCH = 200
"""How many rows are ended in one transaction. It is small, because ending a session also notifies applications."""
REASON = "invalidated"

Advance = Callable[[int], object]
"""A function that is called with the number of newly completed rows."""

BEFORE, NOW = bindparam("before", type_=UtcTime()), bindparam("now", type_=UtcTime())


@dataclass(frozen=True)
class RowKind:
    """A kind of row that begins at some time and is active for a while."""

    key: Column[Any]
    active: Sequence[ColumnElement[bool]]
    """The condition for active rows that began before BEFORE."""
    ended: Mapping[str, Any]
    """The values to set to end a row. NOW stands for the current time."""

    @property
    def table(self) -> Table:
        return self.key.table


def _until(table: Table) -> RowKind:
    """Return the kind of a table whose rows are active until their `expires_at`."""
    (key,) = table.primary_key
    return RowKind(key, (table.c.created_at < BEFORE, table.c.expires_at > NOW), {"expires_at": NOW})


KINDS: Mapping[str, RowKind] = {
    # First, so that none of them gives anything new. Signing in again renews one, hence `auth_time`.
    "sessions": RowKind(
        sessions.c.id,
        (sessions.c.auth_time < BEFORE, sessions.c.ended_at.is_(None), sessions.c.expires_at > NOW),
        {"ended_at": NOW},
    ),
    "waiting requests": _until(authorization_requests),
    "device codes": _until(device_codes),
    "backchannel requests": _until(backchannel_requests),
    "remembered devices": _until(remembered_devices),
    "initial access tokens": _until(initial_access_tokens),
    "one-time links": RowKind(
        one_time_links.c.id,
        (one_time_links.c.created_at < BEFORE, one_time_links.c.status == LinkStatus.ACTIVE),
        {"status": LinkStatus.EXPIRED},
    ),
    # An email with such a link that was not sent; other emails may be sent twice.
    "emails with links": RowKind(
        outbox.c.id,
        (
            outbox.c.created_at < BEFORE,
            outbox.c.expires_at.is_not(None),
            outbox.c.state.in_([DeliveryState.WAITING, DeliveryState.SENDING]),
        ),
        {"state": DeliveryState.FAILED, "payload": None, "error": "its link was invalidated"},
    ),
    # With their codes, refresh tokens and access tokens. Also of a session from before that gave one a moment ago.
    "token families": RowKind(
        grants.c.id,
        (
            or_(grants.c.created_at < BEFORE, grants.c.auth_time < BEFORE),
            grants.c.revoked_at.is_(None),
            grants.c.expires_at > NOW,
        ),
        {"revoked_at": NOW, "revoke_reason": REASON},
    ),
}


def count(work: UnitOfWork, before: datetime) -> dict[str, int]:
    """Count the active rows of each kind that began before the given time."""
    moments = {"before": before, "now": work.now}
    queries = {name: select(func.count()).select_from(kind.table).where(*kind.active) for name, kind in KINDS.items()}
    return {name: work.read.scalar(query.params(moments)) or 0 for name, query in queries.items()}


def old_keys(work: UnitOfWork, before: datetime) -> list[str]:
    """Return the kids of signing keys created before the given time that are not revoked, in the order to revoke them.
    Upcoming keys come first, because an upcoming key replaces a revoked current key.
    """
    rows = [row for row in rotation.list_keys(work) if row.created_at < before and row.state != KeyState.REVOKED]
    order = (KeyState.UPCOMING, KeyState.CURRENT, KeyState.RETIRED)
    return [row.kid for state in order for row in rows if row.state == state]


def invalidate(
    installation: Installation, before: datetime, *, keys: bool = True, advance: Advance = lambda _rows: None
) -> dict[str, int]:
    """End everything that began before the given time; return how many of each kind ended. With `keys`, every signing
    key from before is also replaced and revoked. Nothing else ends access tokens that are verified offline.
    """
    with unit_of_work(installation) as work:
        counts = count(work, before)
        record(work, Event.INVALIDATED, before=before.isoformat(), keys=keys, counts=counts)
    ended = dict.fromkeys(KINDS, 0)
    for name, kind in KINDS.items():
        for rows in _batches(installation, kind, before):
            ended[name] += rows
            advance(rows)
    ended["signing keys"] = 0
    if keys:
        with unit_of_work(installation) as work:
            kids = old_keys(work, before)
        for kid in kids:
            with unit_of_work(installation) as work:  # making a key takes time, and comes before the first write
                rotation.revoke(work, kid=kid)
            ended["signing keys"] += 1
            advance(1)
    return ended


def _batches(installation: Installation, kind: RowKind, before: datetime) -> Iterator[int]:
    """End the rows of one kind in batches; yield how many ended in each transaction. Rows are read in key order, so the
    table is passed through only once.
    """
    query = select(kind.key).where(*kind.active).order_by(kind.key).limit(BATCH).with_for_update()
    last: Any = None
    while True:
        with unit_of_work(installation) as work:
            next_ones = query if last is None else query.where(kind.key > last)
            keys = list(work.db.scalars(next_ones.params(before=before, now=work.now)))
            if kind.table is sessions:
                lifecycle.end_many(work, keys, reason=REASON)
            else:
                values = {name: work.now if value is NOW else value for name, value in kind.ended.items()}
                work.db.execute(update(kind.table).where(kind.key.in_(keys)).values(values))
        if not keys:
            return
        last = keys[-1]
        yield len(keys)
