"""The first page of the console: what needs attention, users, sign-ins, tokens and emails over time, and health."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from provider import __version__
from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.attention import find_concerns
from provider.audit.events import Event
from provider.languages.text import Text
from provider.operators.lists.jobs import STATES
from provider.operators.overview import charts, health, statistics
from provider.operators.overview.charts import Unit
from provider.outbox.store import DeliveryState
from provider.outbox.topics import TITLES, Topic
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
_EMAILS = f"/admin/outbox?topic={Topic.MAIL}&state={{}}"
LISTS = {
    "users": "/admin/users",
    "new_users": "/admin/users?created_from=SINCE&created_to=UNTIL",
    "active_users": "/admin/users?active_from=",
    "two_factor": "/admin/users?two_factor=on",
    "signed_in": _AUDIT.format(Event.SIGNED_IN),
    "sign_in_failed": _AUDIT.format(Event.SIGN_IN_FAILED),
    "rejected_requests": "/admin/explain",
    "emails_sent": _EMAILS.format(DeliveryState.SENT),
    "emails_failed": _EMAILS.format(DeliveryState.FAILED),
    "keys": "/admin/keys",
    "application": "/admin/clients/client",
    "outbox": "/admin/outbox",
}
"""The URLs of the lists of what the numbers count. SINCE and UNTIL are the first and the last day."""
NEEDS = {
    "users": Permission.USERS_READ,
    "audit": Permission.AUDIT_READ,
    "explain": Permission.REQUESTS_READ,
    "outbox": Permission.OUTBOX_READ,
    "keys": Permission.KEYS_READ,
    "clients": Permission.APPLICATIONS_READ,
    "settings": Permission.SETTINGS_READ,
    "doctor": Permission.SETTINGS_READ,
}
"""The permission for each section, by the first part of its path below /admin."""


@endpoint
def overview(call: Call) -> Response:
    """Show the overview: GET /admin?range=. The range is one of SPAN_NAMES; anything else is the first of them."""
    operator = require_operator(call, Permission.OVERVIEW_READ)
    work = call.work
    span = charts.SPANS.get(call.query.text("range"), charts.SPANS[USUAL])
    found = statistics.collect(work, span)
    state = health.look(work)
    concerns = [
        concern if concern.url is None or _may_open(operator, concern.url) else replace(concern, url=None)
        for concern in find_concerns(state, work.settings)
        if not concern.about or operator.may(Permission.SETTINGS_READ)
    ]
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
        lists={name: url if _may_open(operator, url) else "" for name, url in LISTS.items()},
        queue=_queue(state.undelivered),
        states=STATES,
        topics=TITLES,
        version=__version__,
        width=charts.WIDTH,
        height=charts.HEIGHT,
    )


def _may_open(operator: Operator, url: str) -> bool:
    return operator.may(NEEDS[re.split("[/?#]", url)[2]])


@dataclass(frozen=True)
class Jobs:
    """Jobs of the outbox with the same topic and state. `share` is in percent of the largest number."""

    topic: str
    state: str
    count: int
    share: float


def _queue(undelivered: Sequence[tuple[str, str, int]]) -> list[Jobs]:
    largest = max((count for _, _, count in undelivered), default=1)
    return [Jobs(topic, state, count, round(100 * count / largest, 1)) for topic, state, count in undelivered]
