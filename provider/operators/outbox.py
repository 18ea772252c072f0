"""The outbox as operators manage it: retry failed jobs, or cancel jobs for good."""

from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.outbox import store
from provider.outbox.store import DeliveryState, Job
from provider.refusals import NotFound, Refusal
from provider.runtime import greenlets
from provider.work import UnitOfWork


class NoSuchJob(NotFound):
    code = "no-such-promise"
    title = Text("Job not found")
    message = Text("There is no job with this ID.")


class NotFailed(Refusal):
    code = "not-failed"
    status_code = 409
    message = Text("This job can't be retried. Only failed jobs whose contents haven't been erased can be.")


class NotWaiting(Refusal):
    code = "not-waiting"
    status_code = 409
    message = Text("This job can't be canceled. It is already finished or being sent right now.")


def find(work: UnitOfWork, job_id: str) -> Job:
    """Return the job with this id. Raises NoSuchJob."""
    known = parse_id(job_id)
    job = None if known is None else store.find_one(work.read, known)
    if job is None:
        raise NoSuchJob
    return job


def retry(work: UnitOfWork, job_id: str) -> None:
    """Make a failed job due again, with its attempts counted from zero. Raises NoSuchJob, NotFailed."""
    job = find(work, job_id)
    if not store.retry(work.db, job.id, now=work.now):
        raise NotFailed
    before, after = {"state": job.state}, {"state": DeliveryState.WAITING}
    record(work, Event.JOB_RETRIED, promise=job.id, topic=job.topic, before=before, after=after)
    work.after_commit.append(lambda: greenlets.in_thread(work.installation.wake, job.id))


def cancel(work: UnitOfWork, job_id: str) -> None:
    """Cancel a job for good and erase its contents. Raises NoSuchJob, NotWaiting."""
    job = find(work, job_id)
    if not store.cancel(work.db, job.id, now=work.now):
        raise NotWaiting
    before, after = {"state": job.state}, {"state": DeliveryState.CANCELLED}
    record(work, Event.JOB_CANCELLED, promise=job.id, topic=job.topic, before=before, after=after)
