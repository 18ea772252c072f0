"""Queueing jobs in the transaction of the change they belong to."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from provider.database.base import new_id
from provider.outbox import store
from provider.outbox.store import DeliveryState, Job
from provider.runtime import greenlets
from provider.work import UnitOfWork

PURPOSE = "outbox"


def enqueue(
    work: UnitOfWork, topic: str, payload: dict[str, Any], *, about: str, expires_at: datetime | None = None
) -> str:
    """Queue `payload` for the handler of `topic`. Returns the job's id."""
    [job_id] = enqueue_all(work, topic, [(payload, about)], expires_at=expires_at)
    return job_id


def enqueue_all(
    work: UnitOfWork, topic: str, payloads: Iterable[tuple[dict[str, Any], str]], *, expires_at: datetime | None = None
) -> list[str]:
    """Queue each payload, with what it is about, in one statement. Returns the jobs' ids."""
    queued = [_job(work, topic, payload, about, expires_at) for payload, about in payloads]
    if queued:
        store.add(work.db, *queued)
    ids = [job.id for job in queued]

    def wake() -> None:
        for each in ids:
            work.installation.wake(each)

    work.after_commit.append(partial(greenlets.in_thread, wake))
    return ids


def _job(work: UnitOfWork, topic: str, payload: dict[str, Any], about: str, expires_at: datetime | None) -> Job:
    job_id = new_id()
    sealed = work.vault.encrypt(json.dumps(payload).encode(), purpose=PURPOSE, context=job_id)
    return Job(
        id=job_id,
        topic=topic,
        about=about[:320],
        payload=sealed,
        state=DeliveryState.WAITING,
        attempts=0,
        created_at=work.now,
        next_at=work.now,
        expires_at=expires_at,
        error=None,
    )
