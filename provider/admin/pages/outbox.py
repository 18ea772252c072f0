"""The outbox in the console: emails and other jobs, with their state; retry or cancel them."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import Action, Actions, Subject, action_endpoint, available, done_message
from provider.admin.pages.lists import export_page, list_page
from provider.languages.text import Text
from provider.operators import outbox as rules
from provider.operators.audit.event_names import EVENT_NAMES
from provider.operators.lists.jobs import JOBS, STATES
from provider.outbox.store import DeliveryState, Message
from provider.outbox.topics import TITLES
from provider.web.call import Call
from provider.web.endpoint import endpoint

PATH = "/admin/outbox"
NEEDS = Permission.OUTBOX_WRITE
STARTED = Text("The change has started. Each job below is one user.")


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
        done=Text("Job canceled."),
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
    """List the jobs of the outbox: GET /admin/outbox?state=&topic=&about=. The order and the columns are those of
    `lists.jobs`.
    """
    operator = require_operator(call, Permission.OUTBOX_READ)
    return list_page(
        call,
        JOBS,
        "admin/outbox.html",
        in_context=lambda rows: {
            "jobs": [(message, in_words(message), available(ACTIONS, message, NEEDS, operator)) for message in rows],
            "states": STATES,
            "topics": TITLES,
            "done": STARTED if "started" in call.query else done_message(call, ACTIONS),
        },
    )


@endpoint
def export_jobs(call: Call) -> Response:
    """Download the jobs that match as CSV: GET /admin/outbox/export.csv."""
    require_operator(call, Permission.OUTBOX_READ)
    return export_page(call, JOBS)


def find_job(call: Call, operator: Operator) -> Subject[Message]:
    """Return the job named by the path, as a Subject. Raises NoSuchJob."""
    message = rules.find(call.work, call.path_params["job_id"])
    return Subject(message.about, PATH, message, operator)


act_on_job = action_endpoint(find_job, ACTIONS, here="outbox", needs=NEEDS)
