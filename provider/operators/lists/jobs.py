"""The list of jobs in the outbox."""

from collections.abc import Mapping

from provider.languages.text import Text
from provider.operators.lists.listing import Column, Filter, Kind, Listing
from provider.outbox import store
from provider.outbox.store import DeliveryState, Job
from provider.outbox.topics import TITLES
from provider.work import UnitOfWork

table = store.outbox
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
        Filter("topic", Text("Type"), lambda _work, value: table.c.topic == value, Kind.CHOICE, TITLES),
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
