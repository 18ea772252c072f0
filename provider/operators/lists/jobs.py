"""The list of jobs in the outbox."""

from collections.abc import Mapping

from provider.languages.text import Text
from provider.mail import messages
from provider.operators.bulk import actions as bulk
from provider.operators.bulk import runs as bulk_runs
from provider.operators.imports import store as user_imports
from provider.operators.lists.listing import Column, Filter, Kind, Listing
from provider.outbox import store
from provider.outbox.store import DeliveryState, Job
from provider.provisioning import changes as provisioning
from provider.sessions import listeners
from provider.signals import publish as signals
from provider.webhooks import notify
from provider.work import UnitOfWork

table = store.outbox
TOPICS: Mapping[str, Text] = {
    messages.TOPIC: Text("Emails"),
    listeners.TOPIC: Text("Logout notifications"),
    notify.TOPIC: Text("Webhook events"),
    provisioning.TOPIC: Text("Provisioning"),
    signals.TOPIC: Text("Shared signals"),
    bulk.TOPIC: Text("Changes to users"),
    bulk_runs.TOPIC: Text("Changes to all users that match"),
    user_imports.TOPIC: Text("Imports of users"),
}
STATES: Mapping[str, Text] = {
    DeliveryState.WAITING: Text("waiting"),
    DeliveryState.SENDING: Text("sending"),
    DeliveryState.SENT: Text("sent"),
    DeliveryState.FAILED: Text("failed"),
    DeliveryState.CANCELLED: Text("canceled"),
}


def _rows(work: UnitOfWork, keys: list[str]) -> list[Job]:
    found = {job.id: job for job in store.find_those(work.read, keys)}
    return [found[key] for key in keys if key in found]


JOBS = Listing(
    name="outbox",
    key=table.c.id,
    columns=(
        Column("status", Text("Status")),
        Column("type", Text("Type")),
        Column("created", Text("Created"), sort=table.c.id),  # ids are in the order of creation
        Column("attempts", Text("Attempts")),
        Column("id", Text("Job ID"), is_shown=False),
    ),
    filters=(
        Filter("state", Text("Status"), lambda _work, value: table.c.state == value, Kind.CHOICE, STATES),
        Filter("topic", Text("Type"), lambda _work, value: table.c.topic == value, Kind.CHOICE, TOPICS),
        Filter(
            "about",
            Text("Recipient or application"),
            lambda _work, value: table.c.about.contains(value, autoescape=True),
        ),
    ),
    sorted_by="-created",
    rows=_rows,
    exported={
        "id": lambda job: job.id,
        "topic": lambda job: job.topic,
        "about": lambda job: job.about,
        "state": lambda job: job.state,
        "attempts": lambda job: job.attempts,
        "created_at": lambda job: job.created_at,
        "next_at": lambda job: job.next_at,
        "error": lambda job: job.error,
    },
)
