"""The first page of the console: what needs attention, users, sign-ins, tokens and emails over time, and health."""

from dataclasses import dataclass

from starlette.responses import Response

from provider import __version__
from provider.admin import charts, health, statistics
from provider.admin.charts import Unit
from provider.admin.guards import require_operator
from provider.admin.pages.attention import find_concerns
from provider.admin.pages.outbox import STATES, TOPICS
from provider.audit.events import Event
from provider.languages.text import Text
from provider.mail import messages
from provider.outbox import store as outbox
from provider.outbox.store import DeliveryState
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

SPAN_NAMES = {
    "24h": Text("24 hours"),
    "7d": Text("7 days"),
    "30d": Text("30 days"),
    "12m": Text("12 months"),
}
USUAL = "24h"
_AUDIT = "/admin/audit?name={}&since=SINCE&until=UNTIL"
LINKS = {
    "new_users": "/admin/users",
    "two_factor": "/admin/users",
    "active_users": "/admin/users",
    "tokens": {},
    "sign_ins": {"good": _AUDIT.format(Event.SIGNED_IN), "bad": _AUDIT.format(Event.SIGN_IN_FAILED)},
    "emails": {
        "good": f"/admin/outbox?topic={messages.TOPIC}&state={DeliveryState.SENT}",
        "bad": f"/admin/outbox?topic={messages.TOPIC}&state={DeliveryState.FAILED}",
    },
}
"""The lists of what the numbers count. SINCE and UNTIL are the first and the last day."""


@endpoint
def overview(call: Call) -> Response:
    """Show the overview: GET /admin?range=. The range is one of SPAN_NAMES; anything else is the first of them."""
    require_operator(call)
    work = call.work
    span = charts.SPANS.get(call.query.text("range"), charts.SPANS[USUAL])
    found = statistics.collect(work, span)
    state = health.look(work)
    concerns = find_concerns(state, work.settings)
    return page(
        call,
        "admin/overview.html",
        urgent=[concern for concern in concerns if concern.is_urgent or not concern.about],
        warnings=[concern for concern in concerns if concern.about and not concern.is_urgent],
        health=state,
        found=found,
        spans=[(name, f"/admin?range={name}", label) for name, label in SPAN_NAMES.items()],
        is_by_hour=span.unit is Unit.HOUR,
        most_counted=statistics.COUNTED_NOW,
        links=LINKS,
        queue=_queue(outbox.count_undelivered(work.read)),
        states=STATES,
        topics=TOPICS,
        version=__version__,
        width=charts.WIDTH,
        height=charts.HEIGHT,
    )


@dataclass(frozen=True)
class Jobs:
    """Jobs of the outbox with the same topic and state. `share` is in percent of the largest number."""

    topic: str
    state: str
    count: int
    share: float


def _queue(undelivered: list[tuple[str, str, int]]) -> list[Jobs]:
    largest = max((count for _, _, count in undelivered), default=1)
    return [Jobs(topic, state, count, round(100 * count / largest, 1)) for topic, state, count in sorted(undelivered)]
