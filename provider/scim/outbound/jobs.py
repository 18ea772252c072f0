"""The jobs that send what is pending: the handler of the outbox's topic `provisioning`.

A job works through what is due for one app. Each user and group is claimed, so that two processes never send the same
one, and its changes arrive in order. No transaction is open while the app is asked. If a process dies, its claim
lapses, and what it may have created is found again by our identifier (`sending`).
"""

import time
from datetime import timedelta
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.vault import VaultError
from provider.database.engine import OUTAGES
from provider.oauth.clients.clients import Client, find_client
from provider.observability.logging import log
from provider.observability.metrics import PROVISIONED
from provider.outbox import store as outbox
from provider.outbox.relay import RetryPolicy
from provider.outbox.topics import Topic
from provider.provisioning import changes
from provider.provisioning.connections import UNREADABLE, open_token
from provider.provisioning.remote import Rejected, Service, Unauthorized, Unavailable
from provider.provisioning.store import connections, resources
from provider.provisioning.store.connections import LONGEST_ERROR, Provisioning, Scan
from provider.provisioning.store.resources import Kind, Provisioned, State
from provider.scim.outbound import scan, wanted
from provider.scim.outbound.sending import Sent, send
from provider.scim.outbound.wanted import TooManyMembers, Wanted
from provider.work import Installation, unit_of_work

RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))
SECONDS = 10.0
"""How long a job continues before it leaves the rest to the next one. With one more user, less than a job's lease."""
LEASE = timedelta(seconds=90)
"""How long a claim lasts: longer than all requests for one user can take."""
ATTEMPTS = 8
"""How often one user or group is tried again that the app rejects, over some ten minutes."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
"""The pause after a failure. It doubles with each further one."""


def deliver(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Send what is pending for an app, for SECONDS, and queue the next job if something is left."""
    client_id, until = payload["client_id"], time.monotonic() + SECONDS
    while _step(installation, client_id):
        if time.monotonic() >= until:
            with unit_of_work(installation) as work:
                changes.enqueue(work, client_id)
            return


def enqueue_due(installation: Installation) -> None:
    """Queue a job for each app that has something to be sent and no job: after a pause, or if a process was lost."""
    with unit_of_work(installation) as work:
        for client_id in resources.find_waiting(work.read, now=work.now):
            client = find_client(work, client_id)
            has_job = outbox.has_open(work.read, Topic.PROVISIONING, changes.about(client_id))
            if client is not None and not client.disabled and not has_job:
                changes.enqueue(work, client_id)


def _step(installation: Installation, client_id: str) -> bool:
    """Send one user or group, or continue a scan. Returns whether something may be left to be done now."""
    with unit_of_work(installation) as work:
        connection, client = connections.find(work.read, client_id), find_client(work, client_id)
        if connection is None or client is None or client.disabled or not connection.may_send(work.now):
            return False
        if connection.scan != Scan.NONE:
            scan.step(work, client)
            return True
        claimed = resources.claim_next(work.db, client_id, now=work.now, until=work.now + LEASE)
        if claimed is None:
            return False
        if claimed.kind == Kind.GROUP and claimed.key not in connection.push_groups:
            around = wanted.find_around(work, connection, claimed.key)
            resources.mark(work.db, client_id, Kind.GROUP, around, now=work.now)
    try:
        target = _find_target(installation, connection, client, claimed)
        with unit_of_work(installation) as work:
            if target.resource is not None and not claimed.tried:
                resources.set_tried(work.db, claimed)
            service = Service(connection.base_url, open_token(work, connection), installation.outbound)
        sent = send(
            service,
            target,
            claimed,
            connection.on_deletion,
            is_free=lambda remote_id: _is_free(installation, claimed, remote_id),
        )
    except (Unauthorized, VaultError) as refused:
        _stop(installation, claimed, UNREADABLE if isinstance(refused, VaultError) else str(refused))
        return False
    except Unavailable as failed:
        _pause(installation, connection, claimed, failed)
        return False
    except OUTAGES:  # of our database: no fault of the user, who is claimed until the lease ends
        raise
    except Exception as failed:  # noqa: BLE001  # a bug, or data the app can't take, must not stop the others
        is_known = isinstance(failed, Rejected | TooManyMembers)
        _reject(installation, claimed, str(failed) if is_known else type(failed).__name__)
        return True
    _save(installation, connection, claimed, target, sent)
    return True


def _find_target(installation: Installation, connection: Provisioning, client: Client, claimed: Provisioned) -> Wanted:
    with unit_of_work(installation) as work:
        if claimed.kind == Kind.GROUP:
            return wanted.find_group(work, connection, claimed.key)
        return wanted.find_user(work, connection, client, claimed.key)


def _is_free(installation: Installation, claimed: Provisioned, remote_id: str) -> bool:
    with unit_of_work(installation) as work:
        return resources.find_holder(work.read, claimed.client_id, claimed.kind, remote_id) in {None, claimed.key}


def _save(
    installation: Installation, connection: Provisioning, claimed: Provisioned, target: Wanted, sent: Sent
) -> None:
    with unit_of_work(installation) as work:
        if connection.failures or connection.error:
            connections.change(work.db, claimed.client_id, failures=0, error=None, retry_at=None)
        if sent.remote is None or (target.resource is None and not target.exists):
            resources.forget(work.db, claimed)
        else:
            resources.finish(
                work.db,
                claimed,
                state=State.CURRENT,
                remote_id=sent.remote.id,
                version=sent.remote.version,
                digest=sent.digest,
                active=sent.active,
                tried=True,
                attempts=0,
                error=None,
                succeeded_at=work.now,
            )
        has_moved = sent.active != claimed.active or (sent.remote and sent.remote.id) != claimed.remote_id
        if claimed.kind == Kind.USER and has_moved:  # the groups name the user by the ID at the app
            names = wanted.find_groups_of(work, connection, claimed.key)
            resources.mark(work.db, claimed.client_id, Kind.GROUP, names, now=work.now)
    if sent.outcome != "unchanged":
        PROVISIONED.count(claimed.kind, sent.outcome)


def _stop(installation: Installation, claimed: Provisioned, problem: str) -> None:
    """Send the app nothing more until an operator changed something: it rejects the token."""
    with unit_of_work(installation) as work:
        now = connections.lock(work.db, claimed.client_id)
        resources.finish(work.db, claimed, state=State.PENDING, next_at=work.now)
        if now is not None and now.stopped_at is None:
            error = problem[:LONGEST_ERROR]
            connections.change(work.db, claimed.client_id, stopped_at=work.now, error=error)
            record(work, Event.PROVISIONING_STOPPED, client_id=claimed.client_id, reason=error)
    PROVISIONED.count(claimed.kind, "unauthorized")
    log.error("provisioning.stopped", client_id=claimed.client_id, error=problem)


def _pause(installation: Installation, connection: Provisioning, claimed: Provisioned, failed: Unavailable) -> None:
    """Send the app nothing for a while. What was being sent waits longer, so that others come first then."""
    with unit_of_work(installation) as work:
        pause = failed.pause if failed.pause is not None else _back_off(connection.failures)
        error = str(failed)[:LONGEST_ERROR]
        values = {"failures": connection.failures + 1, "retry_at": work.now + pause, "error": error}
        connections.change(work.db, claimed.client_id, **values)
        resources.finish(work.db, claimed, state=State.PENDING, next_at=work.now + pause, error=error)
    PROVISIONED.count(claimed.kind, "unavailable")
    log.warning("provisioning.paused", client_id=claimed.client_id, error=str(failed))


def _reject(installation: Installation, claimed: Provisioned, problem: str) -> None:
    """Try this user or group again later, or give up until it changes."""
    with unit_of_work(installation) as work:
        attempts = claimed.attempts + 1
        state = State.PENDING if attempts < ATTEMPTS else State.FAILED
        next_at = work.now + _back_off(claimed.attempts)
        error = problem[:LONGEST_ERROR]
        resources.finish(work.db, claimed, state=state, attempts=attempts, next_at=next_at, error=error)
    PROVISIONED.count(claimed.kind, "rejected")
    log.warning("provisioning.rejected", client_id=claimed.client_id, kind=claimed.kind, key=claimed.key, error=problem)


def _back_off(failures: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(failures, 16)), LONGEST_PAUSE)


__all__ = ["RETRIES", "deliver", "enqueue_due"]
