"""The outbox as operators manage it: retry failed jobs, or cancel jobs for good."""

from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.outbox import store
from provider.outbox.store import Promise, State
from provider.refusals import NotFound, Refusal
from provider.work import UnitOfWork


class NoSuchPromise(NotFound):
    title = Text("No such promise")
    message = Text("There is no such promise.")


class NotFailed(Refusal):
    status_code = 409
    message = Text("Only a failed promise whose contents are still there can be tried again.")


class NotWaiting(Refusal):
    status_code = 409
    message = Text("Only a promise that waits or has failed can be cancelled; this one was settled, or is being tried.")


def find(work: UnitOfWork, promise_id: str) -> Promise:
    """Return the job with this id. Raises NoSuchPromise."""
    known = parse_id(promise_id)
    promise = None if known is None else store.find_one(work.read, known)
    if promise is None:
        raise NoSuchPromise
    return promise


def retry(work: UnitOfWork, promise_id: str) -> None:
    """Make a failed job due again, with its attempts counted from zero. Raises NoSuchPromise, NotFailed."""
    promise = find(work, promise_id)
    if not store.retry(work.db, promise.id, now=work.now):
        raise NotFailed
    before, after = {"state": promise.state}, {"state": State.DUE}
    record(work, Event.PROMISE_RETRIED, promise=promise.id, topic=promise.topic, before=before, after=after)
    work.after_commit.append(lambda: work.installation.wake(promise.id))


def cancel(work: UnitOfWork, promise_id: str) -> None:
    """Cancel a job for good and erase its contents. Raises NoSuchPromise, NotWaiting."""
    promise = find(work, promise_id)
    if not store.cancel(work.db, promise.id, now=work.now):
        raise NotWaiting
    before, after = {"state": promise.state}, {"state": State.CANCELLED}
    record(work, Event.PROMISE_CANCELLED, promise=promise.id, topic=promise.topic, before=before, after=after)
