"""Delivers queued jobs: claims a row, calls its topic's handler, records the result.

Delivery is at least once. Handlers try once, and retries are here: `next_attempt` says when, and each topic's
`RetryPolicy` for how long (`worker.handlers.POLICIES`).

Claim and result are two short transactions; no transaction is open while a handler uses the network. If a process dies
in between, its claim expires and the job is retried, so handlers must tolerate repetition.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from provider.crypto.vault import VaultError
from provider.observability.logging import log
from provider.outbox import store
from provider.outbox.messages import PURPOSE
from provider.outbox.metrics import OUTBOX_JOBS
from provider.outbox.store import Job
from provider.work import Installation, unit_of_work

LEASE = timedelta(seconds=60)
"""How long a claim lasts. Every handler has finished or given up well before."""
BACK_OFF = timedelta(seconds=5)
"""The wait before the second attempt; it doubles with each further attempt."""
JITTER = 0.25
"""By how much a pause is longer at most, so that jobs that failed together do not return together."""
COPY_AFTER = timedelta(hours=1)
"""The wait after an attempt that may have succeeded."""
MAX_CRASHES = 3
"""After how many attempts in a row without an outcome a job is given up: it may be what kills the process."""
PAUSES_PER_LIFETIME = 24
"""A job that expires waits at most this fraction of its lifetime between two attempts."""
MOST_DUE = 1000
"""The most rows that `find_due` returns."""

Handler = Callable[[Installation, str, dict[str, Any]], None]
"""A function that gets the job's id, the same at each attempt, and its payload."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long a topic's jobs are retried: those that expire until then, the others for `attempts`.

    Pauses double from BACK_OFF up to `longest_pause`.
    """

    attempts: int
    longest_pause: timedelta


DEFAULT_POLICY = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))
"""For topics without their own: twelve attempts over some three hours."""
NO_OTHERS: Mapping[str, RetryPolicy] = MappingProxyType({})


class PermanentFailure(Exception):
    """A failure that a retry would not fix. The text is kept for the operator and contains no secrets."""


class NoLongerWanted(Exception):
    """The receiver of a job was deleted or disabled. The text is kept for the operator and contains no secrets."""


class TemporaryFailure(Exception):
    """A failure that is worth a retry. The text is kept for the operator and contains no secrets.

    `until` is set if nothing was tried, because another job had failed there a moment before, and nothing will be tried
    until then. It is no attempt.
    """

    def __init__(self, problem: str, *, until: datetime | None = None) -> None:
        self.until = until
        super().__init__(problem)


class OutcomeUnknown(TemporaryFailure):
    """An attempt that may have succeeded, so that the next one may be a copy: the pauses are long.

    Like attempts that end with their process, it is none with an outcome. MAX_CRASHES of them in a row are the last.
    """


def deliver(
    installation: Installation,
    job_id: str,
    handlers: Mapping[str, Handler],
    policies: Mapping[str, RetryPolicy] = NO_OTHERS,
) -> bool:
    """Try to deliver a job. Returns False if it is settled, not due, or claimed by another process.

    `policies` has the policy of topics that do not use DEFAULT_POLICY.
    """
    job = _claim(installation, job_id)
    if job is None:
        return False
    try:
        payload = _open(installation, job)
        handlers[job.topic](installation, job.id, payload)
    except NoLongerWanted as reason:
        with unit_of_work(installation) as work:
            store.mark_cancelled(work.db, job.id, attempt=job.attempts, reason=str(reason))
        OUTBOX_JOBS.count(job.topic, "cancelled")
        log.info("outbox.cancelled", job=job.id, topic=job.topic, reason=str(reason))
    except PermanentFailure as failure:
        _give_up(installation, job, str(failure))
    except BaseException as failure:  # a bug or an interruption must neither lose the row nor retry it for ever
        known = isinstance(failure, TemporaryFailure)
        problem = str(failure) if known else type(failure).__name__
        policy = policies.get(job.topic, DEFAULT_POLICY)
        if isinstance(failure, TemporaryFailure) and failure.until is not None:
            _postpone(installation, job, problem, policy, failure.until)
        else:
            _try_later(installation, job, problem, policy, is_unknown=isinstance(failure, OutcomeUnknown))
        if not isinstance(failure, Exception):
            raise
    else:
        with unit_of_work(installation) as work:
            store.mark_sent(work.db, job.id)
        OUTBOX_JOBS.count(job.topic, "kept")
        log.info("outbox.delivered", job=job.id, topic=job.topic, attempts=job.attempts)
    return True


def find_due(installation: Installation) -> list[tuple[str, datetime]]:
    """Return (id, due since) of each row that is due, oldest first, at most MOST_DUE."""
    with unit_of_work(installation) as work:
        return store.find_due(work.read, now=work.now, limit=MOST_DUE)


def next_attempt(job: Job, policy: RetryPolicy, now: datetime) -> datetime | None:
    """Return when to retry a job whose attempt failed now; None to give up.

    The last pause before a job expires ends there: the claim then records that it expired.
    """
    pause = min(BACK_OFF * (1 << min(job.attempts - 1, 16)), policy.longest_pause)
    if job.expires_at is None:
        return now + _spread(job, pause) if job.attempts < policy.attempts else None
    longest = max(BACK_OFF, (job.expires_at - job.created_at) / PAUSES_PER_LIFETIME)
    return min(now + _spread(job, min(pause, longest)), job.expires_at) if job.expires_at > now else None


def next_copy(job: Job, now: datetime) -> datetime | None:
    """Return when to retry a job whose outcome is unknown; None to give up. A job that expires is then in time, too."""
    if job.crashes + 1 >= MAX_CRASHES:
        return None
    if job.expires_at is None:
        return now + _spread(job, COPY_AFTER)
    return min(now + min(COPY_AFTER, (job.expires_at - job.created_at) / MAX_CRASHES), job.expires_at)


def next_turn(job: Job, policy: RetryPolicy, now: datetime, *, until: datetime) -> datetime:
    """Return when to try a job again that was not tried, because nothing is tried there until then.

    The longer it has waited, the later: many jobs for one server that is down share its attempts.
    """
    pause = max(until - now, BACK_OFF, min((now - job.created_at) / PAUSES_PER_LIFETIME, policy.longest_pause))
    at = now + _spread(job, pause)
    return at if job.expires_at is None else min(at, job.expires_at)


def _spread(job: Job, pause: timedelta) -> timedelta:
    """Return a pause, up to JITTER longer: always the same for this attempt of this job, and another for others."""
    return pause * (1 + JITTER * zlib.crc32(f"{job.id} {job.attempts} {pause}".encode()) / 2**32)


def _claim(installation: Installation, job_id: str) -> Job | None:
    with unit_of_work(installation) as work:
        job = store.claim(work.db, job_id, now=work.now, lease_until=work.now + LEASE)
        if job is None:
            return None
        if job.expires_at is not None and job.expires_at <= work.now:
            problem = "expired before it could be delivered" + (f": {job.error}" if job.error else "")
        elif job.crashes >= MAX_CRASHES:
            problem = f"no outcome after {job.crashes} attempts in a row"
        else:
            return job
        store.mark_failed(work.db, job.id, attempt=job.attempts, error=problem)
        OUTBOX_JOBS.count(job.topic, "failed")
        log.error("outbox.failed", job=job.id, topic=job.topic, error=problem)
        return None


def _open(installation: Installation, job: Job) -> dict[str, Any]:
    try:
        plain = installation.vault.decrypt(job.payload or "", purpose=PURPOSE, context=job.id)
    except VaultError as error:
        raise PermanentFailure("the payload cannot be decrypted with the configured secret keys") from error
    payload: dict[str, Any] = json.loads(plain)
    return payload


def _try_later(
    installation: Installation, job: Job, problem: str, policy: RetryPolicy, *, is_unknown: bool = False
) -> None:
    with unit_of_work(installation) as work:
        at = next_copy(job, work.now) if is_unknown else next_attempt(job, policy, work.now)
        if at is not None:
            crashes = job.crashes + 1 if is_unknown else 0
            store.schedule_retry(work.db, job.id, attempt=job.attempts, next_at=at, error=problem, crashes=crashes)
    if at is None:
        _give_up(installation, job, problem)
        return
    _note_retry(job, problem)


def _postpone(installation: Installation, job: Job, problem: str, policy: RetryPolicy, until: datetime) -> None:
    """Try a job again that was not tried. The attempt does not count."""
    with unit_of_work(installation) as work:
        at = next_turn(job, policy, work.now, until=until)
        store.schedule_retry(
            work.db,
            job.id,
            attempt=job.attempts,
            next_at=at,
            error=problem,
            crashes=job.crashes,
            was_tried=False,
        )
    _note_retry(job, problem)


def _note_retry(job: Job, problem: str) -> None:
    OUTBOX_JOBS.count(job.topic, "put_back")
    log.warning("outbox.retry_scheduled", job=job.id, topic=job.topic, attempts=job.attempts, error=problem)


def _give_up(installation: Installation, job: Job, problem: str) -> None:
    with unit_of_work(installation) as work:
        store.mark_failed(work.db, job.id, attempt=job.attempts, error=problem)
    OUTBOX_JOBS.count(job.topic, "failed")
    log.error("outbox.failed", job=job.id, topic=job.topic, attempts=job.attempts, error=problem)
