"""The jobs of the outbox (emails, logout notifications, webhook events, bulk changes): list, retry and cancel them."""

from datetime import datetime

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.filters import query_text
from provider.admin.operation import Resource, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.operators import outbox as rules
from provider.operators.outbox import NoSuchJob, NotFailed, NotWaiting
from provider.outbox import store
from provider.outbox.topics import Topic
from provider.web.call import Call

STATES = "`due` (waiting), `trying` (being sent), `kept` (sent), `failed` or `cancelled`."
TOPICS = f"{', '.join(f'`{topic}`' for topic in Topic)}."
WANTED = {
    "state": f"Only jobs in this state: {STATES}",
    "topic": f"Only jobs of this type: {TOPICS}",
    "about": "Only jobs whose recipient contains this: part of an email address, a client_id or a webhook ID.",
}


class Job(Body):
    """An email, a notification or another job, such as a change to users. Its contents are never shown."""

    id: str = Field(description="The job's ID.")
    topic: str = Field(description=f"The type: {TOPICS}")
    about: str = Field(description="What is sent, and the recipient.")
    state: str = Field(description=STATES)
    attempts: int = Field(description="The number of attempts so far.")
    created_at: datetime = Field(description="When the job was created.")
    next_at: datetime = Field(description="When the next attempt is due.")
    expires_at: datetime | None = Field(None, description="When the job fails if it wasn't delivered.")
    error: str | None = Field(None, description="Why the last attempt failed.")


class Jobs(Body):
    """A page of jobs."""

    promises: list[Job] = Field(description="The jobs, the newest first.")
    next: str | None = Field(None, description=NEXT)


def _show(call: Call) -> Job:
    return _describe(rules.find(call.work, call.path_params["promise_id"]))


JOB = Resource(lambda call: store.lock(call.work.db, _show(call).id), _show)


@by_operator(needs=Permission.OUTBOX_READ, gives=Jobs, asks={**WANTED, **PAGED})
def list_jobs(call: Call, _operator: Operator, _body: Body) -> Jobs:
    """List outbox jobs. The newest comes first."""
    page = query_page(call, "outbox")
    wanted = {name: query_text(call, name) for name in WANTED}
    after = None if page.after is None else page.after["id"]
    found = store.find(call.work.read, **wanted, after=after, limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    return Jobs(
        promises=[_describe(job) for job in shown],
        next=next_of(call, "outbox", id=shown[-1].id) if more else None,
    )


@by_operator(needs=Permission.OUTBOX_READ, of=JOB, gives=Job, problems=(NoSuchJob,))
def show_job(call: Call, _operator: Operator, _body: Body) -> Job:
    """Get an outbox job."""
    return _show(call)


@by_operator(needs=Permission.OUTBOX_WRITE, of=JOB, problems=(NoSuchJob, NotFailed))
def retry_job(call: Call, _operator: Operator, _body: Body) -> None:
    """Retry an outbox job. It must have failed. Its attempts are counted from zero again."""
    rules.retry(call.work, call.path_params["promise_id"])


@by_operator(needs=Permission.OUTBOX_WRITE, of=JOB, problems=(NoSuchJob, NotWaiting))
def cancel_job(call: Call, _operator: Operator, _body: Body) -> None:
    """Cancel an outbox job. It must be waiting or failed. Its contents are erased, so it can't be retried."""
    rules.cancel(call.work, call.path_params["promise_id"])


def _describe(row: store.Job) -> Job:
    return Job(
        id=row.id,
        topic=row.topic,
        about=row.about,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at,
        expires_at=row.expires_at,
        error=row.error,
    )
