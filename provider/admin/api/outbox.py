"""The jobs of the outbox (emails, logout notifications, webhook events): list, retry and cancel them."""

from datetime import datetime

from pydantic import Field

from provider.admin import outbox as rules
from provider.admin.filters import asked_text
from provider.admin.operation import Resource, by_operator
from provider.admin.outbox import NoSuchPromise, NotFailed, NotWaiting
from provider.admin.paging import NEXT, PAGED, asked_page, next_of
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.outbox import store
from provider.outbox.store import Message
from provider.web.call import Call

WANTED = {
    "state": "due, trying, kept, failed or cancelled.",
    "topic": "mail, logout or webhook.",
    "about": "Part of whom or what it is about: an address, a client_id, a webhook.",
}


class Promise(Body):
    id: str
    topic: str
    about: str = Field(description="To whom, and what; its contents are shown to nobody.")
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime = Field(description="When it is tried next, while it is due.")
    expires_at: datetime | None = None
    error: str | None = Field(None, description="Why the last attempt failed.")


class Promises(Body):
    promises: list[Promise]
    next: str | None = Field(None, description=NEXT)


def _show(call: Call) -> Promise:
    return _describe(rules.find(call.work, call.path_params["promise_id"]))


PROMISE = Resource(lambda call: store.lock(call.work.db, _show(call).id), _show)


@by_operator(reads=True, gives=Promises, asks={**WANTED, **PAGED})
def list_promises(call: Call, _operator: Operator, _body: Body) -> Promises:
    """List the jobs of the outbox, the newest first."""
    page = asked_page(call, "outbox")
    wanted = {name: asked_text(call, name) for name in WANTED}
    after = None if page.after is None else page.after["id"]
    found = store.find(call.work.read, **wanted, after=after, limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    return Promises(
        promises=[_describe(promise) for promise in shown],
        next=next_of(call, "outbox", id=shown[-1].id) if more else None,
    )


@by_operator(reads=True, of=PROMISE, gives=Promise, problems=(NoSuchPromise,))
def show_promise(call: Call, _operator: Operator, _body: Body) -> Promise:
    """Get a job of the outbox."""
    return _show(call)


@by_operator(of=PROMISE, problems=(NoSuchPromise, NotFailed))
def retry_promise(call: Call, _operator: Operator, _body: Body) -> None:
    """Retry a failed job of the outbox. Its attempts are counted from zero again."""
    rules.retry(call.work, call.path_params["promise_id"])


@by_operator(of=PROMISE, problems=(NoSuchPromise, NotWaiting))
def cancel_promise(call: Call, _operator: Operator, _body: Body) -> None:
    """Cancel a waiting or failed job of the outbox for good. Its contents are erased."""
    rules.cancel(call.work, call.path_params["promise_id"])


def _describe(row: Message) -> Promise:
    return Promise(
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
