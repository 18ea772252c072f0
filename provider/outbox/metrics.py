"""The metrics of the outbox. docs/reference/metrics.md is generated from this module and `observability.metrics`."""

from provider.observability import counters
from provider.observability.instruments import Counter, Figure, Label
from provider.outbox.topics import Topic


def _emails(topic: str, outcome: str) -> tuple[str, ...]:
    tallied = {"kept": (counters.MAIL_SENT,), "failed": (counters.MAIL_FAILED,)}  # put back: it may yet arrive
    return tallied.get(outcome, ()) if topic == Topic.MAIL else ()


TOPIC = Label("topic", "What is delivered, or done.", tuple(topic.value for topic in Topic))
OUTBOX_JOBS = Counter(
    "signet_promises",
    "Attempts to deliver a job of the outbox.",
    TOPIC,
    Label(
        "outcome",
        "Delivered, to be retried, failed permanently, or canceled because its receiver was deleted or disabled.",
        ("kept", "put_back", "failed", "cancelled"),
    ),
    alert='Any increase of `outcome="failed"`.',
    tally=_emails,
)
OUTBOX = Figure(
    "signet_outbox",
    "Jobs of the outbox that wait, or failed permanently.",
    TOPIC,
    Label("state", "`due`, `trying` or `failed`.", ("due", "trying", "failed")),
)
OUTBOX_AGE = Figure(
    "signet_outbox_oldest_due_seconds",
    "How long the job that is due longest is due, in seconds.",
    alert="`max(signet_outbox_oldest_due_seconds) > 300`: no worker runs, or the mail server is down.",
)
