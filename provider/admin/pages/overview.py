"""The first page of the console: the activity of the last day, email delivery, and the age of the signing keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin import charts
from provider.admin.guards import require_operator
from provider.admin.lists.jobs import STATES, TOPICS
from provider.audit import hourly
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth.keys import rotation
from provider.observability import counters
from provider.outbox import store as outbox
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page
from provider.work import UnitOfWork

LATE = timedelta(minutes=5)
"""How long a job may be due before the page warns that no worker may be running."""


@dataclass(frozen=True)
class KeyAge:
    alg: str
    signs_since: datetime
    age: timedelta
    due_at: datetime | None
    share: float
    """The part of the key's lifetime that has passed, in percent from 0 to 100."""


@endpoint
def overview(call: Call) -> Response:
    """Show the overview: GET /admin."""
    require_operator(call, Permission.OVERVIEW_READ)
    work = call.work
    until = hourly.hour_of(work.now)
    counts = hourly.find(work.read, since=until - timedelta(hours=charts.HOURS))
    due_since = outbox.oldest_due(work.read, now=work.now)
    return page(
        call,
        "admin/overview.html",
        sign_ins=charts.by_hour(counts, good=counters.SIGNED_IN, bad=counters.SIGN_IN_REFUSED, until=until),
        tokens=charts.by_hour(counts, good=counters.TOKENS_ISSUED, bad=counters.TOKENS_REFUSED, until=until),
        letters=charts.by_hour(counts, good=counters.MAIL_SENT, bad=counters.MAIL_FAILED, until=until),
        unkept=sorted(outbox.count_undelivered(work.read)),
        late_since=due_since if due_since is not None and work.now - due_since > LATE else None,
        states=STATES,
        topics=TOPICS,
        keys=_keys(work),
        width=charts.WIDTH,
        height=charts.HEIGHT,
        step=charts.STEP,
    )


def _keys(work: UnitOfWork) -> list[KeyAge]:
    rows, interval = rotation.list_keys(work), work.settings.key_rotation
    found = []
    for pair in KEY_PAIRS:
        current = rotation.key_states_of(rows, pair).current
        if current is not None:
            since = current.signs_from or current.created_at
            age = max(timedelta(0), work.now - since)  # nodes' clocks differ
            share = min(100.0, 100 * age / interval) if interval else 0.0
            found.append(KeyAge(pair, since, age, since + interval if interval else None, round(share, 1)))
    return found
