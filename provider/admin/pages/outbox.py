"""The outbox in the console: emails and other jobs, with their state; retry or cancel them."""

from starlette.responses import Response

from provider.admin import outbox as rules
from provider.admin.filters import typed_text
from provider.admin.guards import require_operator
from provider.admin.pages.acts import Act, Acts, Thing, acting, done_on, offered
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.languages.text import Text
from provider.mail import messages
from provider.outbox import store
from provider.outbox.store import State
from provider.sessions import listeners
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page
from provider.webhooks import notify

PATH = "/admin/outbox"
TOPICS = (messages.TOPIC, listeners.TOPIC, notify.TOPIC)


def _retry(call: Call, thing: Thing) -> None:
    rules.retry(call.work, thing.value.id)


def _cancel(call: Call, thing: Thing) -> None:
    rules.cancel(call.work, thing.value.id)


ACTS: Acts = {
    "retry": Act(
        title=Text("Send it again"),
        button=Text("Send it again"),
        means=(Text("It is tried at once, and as often as at first. Whoever got it already may get it twice."),),
        done=Text("It is on its way again."),
        do=_retry,
        fits=lambda promise: promise.state == State.FAILED and promise.payload is not None,
    ),
    "cancel": Act(
        title=Text("Give it up"),
        button=Text("Give it up"),
        means=(Text("It is never tried again, and its contents are erased."),),
        done=Text("It is given up."),
        do=_cancel,
        danger=True,
        fits=lambda promise: promise.state in {State.DUE, State.FAILED},
    ),
}


@endpoint
def list_promises(call: Call) -> Response:
    """List the jobs of the outbox, the newest first: GET /admin/outbox?state=&topic=&about=."""
    require_operator(call)
    place = place_on(call, "outbox")
    asked = {name: typed_text(call, name) for name in ("state", "topic", "about")}
    found = store.find(
        call.work.read,
        **{name: text or None for name, text in asked.items()},
        after=None if place is None else place[0],
        limit=AT_ONCE + 1,
    )
    shown = found[:AT_ONCE]
    further = (shown[-1].id,) if len(found) > AT_ONCE else None
    return page(
        call,
        "admin/outbox.html",
        promises=[(promise, offered(ACTS, promise)) for promise in shown],
        further=next_page(call, "outbox", further),
        asked=asked,
        states=("", *State),
        topics=("", *TOPICS),
        done=done_on(call, ACTS),
    )


def find_promise(call: Call, operator: Session) -> Thing:
    """Return the job named by the path, as a Thing. Raises NoSuchPromise."""
    promise = rules.find(call.work, call.path_params["promise_id"])
    return Thing(promise.about, PATH, promise, operator)


act_on_promise = acting(find_promise, ACTS, here="outbox")
