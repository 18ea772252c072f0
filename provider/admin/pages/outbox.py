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
from provider.outbox.store import DeliveryState, Job
from provider.outbox.topics import TITLES
from provider.web.call import Call
from provider.web.endpoint import endpoint

PATH = "/admin/outbox"
NEEDS = Permission.OUTBOX_WRITE
STARTED = Text("The change has started. Each job below is one user.")


def _retry(call: Call, subject: Subject[Job]) -> None:
    rules.retry(call.work, subject.value.id)


def _cancel(call: Call, subject: Subject[Job]) -> None:
    rules.cancel(call.work, subject.value.id)


ACTIONS: Actions[Job] = {
    "retry": Action(
        title=Text("Retry"),
        button=Text("Retry"),
        means=(Text("The job runs now and is retried as often as a new one. The recipient may receive it twice."),),
        done=Text("The job is queued again."),
        do=_retry,
        is_available=lambda job: job.state == DeliveryState.FAILED and job.payload is not None,
    ),
    "cancel": Action(
        title=Text("Cancel job"),
        button=Text("Cancel job"),
        means=(Text("The job will not run, and its contents are erased. This can't be undone."),),
        done=Text("Job canceled."),
        do=_cancel,
        danger=True,
        is_available=lambda job: job.state in {DeliveryState.WAITING, DeliveryState.FAILED},
    ),
}


def in_words(job: Job) -> tuple[Text | str, str]:
    """Return what a job sends and to whom, from its `about`: `new_device to ada@example.com`."""
    kind, _, recipient = job.about.partition(" to ")
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
            "jobs": [(job, in_words(job), available(ACTIONS, job, NEEDS, operator)) for job in rows],
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


def find_job(call: Call, operator: Operator) -> Subject[Job]:
    """Return the job named by the path, as a Subject. Raises NoSuchJob."""
    job = rules.find(call.work, call.path_params["job_id"])
    return Subject(job.about, PATH, job, operator)


act_on_job = action_endpoint(find_job, ACTIONS, here="outbox", needs=NEEDS)
