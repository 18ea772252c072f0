"""The outbox in the console: emails and other jobs, with their state; retry or cancel them."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin import bulk
from provider.admin import outbox as rules
from provider.admin.event_names import EVENT_NAMES
from provider.admin.filters import typed_text
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import Action, Actions, Subject, action_endpoint, available, done_message
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.languages.text import Text
from provider.mail import messages
from provider.outbox import store
from provider.outbox.store import DeliveryState, Message
from provider.sessions import listeners
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page
from provider.webhooks import notify

PATH = "/admin/outbox"
NEEDS = Permission.OUTBOX_WRITE
TOPICS = {
    messages.TOPIC: Text("Emails"),
    listeners.TOPIC: Text("Logout notifications"),
    notify.TOPIC: Text("Webhook events"),
    bulk.TOPIC: Text("Changes to users"),
}
STARTED = Text("The change has started. Each job below is one user.")
STATES = {
    DeliveryState.WAITING: Text("waiting"),
    DeliveryState.SENDING: Text("sending"),
    DeliveryState.SENT: Text("sent"),
    DeliveryState.FAILED: Text("failed"),
    DeliveryState.CANCELLED: Text("cancelled"),
}


def _retry(call: Call, subject: Subject[Message]) -> None:
    rules.retry(call.work, subject.value.id)


def _cancel(call: Call, subject: Subject[Message]) -> None:
    rules.cancel(call.work, subject.value.id)


ACTIONS: Actions[Message] = {
    "retry": Action(
        title=Text("Retry"),
        button=Text("Retry"),
        means=(Text("The job runs now and is retried as often as a new one. The recipient may receive it twice."),),
        done=Text("The job is queued again."),
        do=_retry,
        is_available=lambda message: message.state == DeliveryState.FAILED and message.payload is not None,
    ),
    "cancel": Action(
        title=Text("Cancel job"),
        button=Text("Cancel job"),
        means=(Text("The job will not run, and its contents are erased. This can't be undone."),),
        done=Text("Job cancelled."),
        do=_cancel,
        danger=True,
        is_available=lambda message: message.state in {DeliveryState.WAITING, DeliveryState.FAILED},
    ),
}


def in_words(message: Message) -> tuple[Text | str, str]:
    """Return what a job sends and to whom, from its `about`: `new_device to ada@example.com`."""
    kind, _, recipient = message.about.partition(" to ")
    return EVENT_NAMES.get(kind) or kind.replace("_", " ").capitalize(), recipient


@endpoint
def list_jobs(call: Call) -> Response:
    """List the jobs of the outbox, the newest first: GET /admin/outbox?state=&topic=&about=."""
    operator = require_operator(call, Permission.OUTBOX_READ)
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
        jobs=[(message, in_words(message), available(ACTIONS, message, NEEDS, operator)) for message in shown],
        further=next_page(call, "outbox", further),
        asked=asked,
        states=STATES,
        topics=TOPICS,
        done=STARTED if "started" in call.query else done_message(call, ACTIONS),
    )


def find_job(call: Call, operator: Operator) -> Subject[Message]:
    """Return the job named by the path, as a Subject. Raises NoSuchJob."""
    message = rules.find(call.work, call.path_params["job_id"])
    return Subject(message.about, PATH, message, operator)


act_on_job = action_endpoint(find_job, ACTIONS, here="outbox", needs=NEEDS)
