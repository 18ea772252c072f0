"""The usage of one application: its sign-ins by day, and how many of its requests were rejected."""

from dataclasses import dataclass

from provider.admin.overview import charts
from provider.admin.overview.charts import DAY, Chart
from provider.audit import daily, hourly
from provider.audit.active_users import day_of
from provider.oauth.explanations import count_rejected
from provider.observability import counters
from provider.work import UnitOfWork

SPAN = charts.SPANS["30d"]


@dataclass(frozen=True)
class AppUsage:
    sign_ins: Chart
    """The sign-ins of each of the last 30 days."""
    rejected: int
    """The rejected requests that are still stored, up to MOST_REJECTED."""


MOST_REJECTED = 1000


def find_usage(work: UnitOfWork, client_id: str) -> AppUsage:
    """Return the usage of an application. What it reads does not grow with the number of its users."""
    over = charts.periods(SPAN, work.now)
    recent, name = day_of(work.now) - DAY, counters.APP + client_id
    # The days since yesterday may not be summed up yet.
    counts = {day: n for (day, _), n in daily.find(work.read, [name], since=over[0].start).items() if day < recent}
    for hour, n in hourly.find_of_app(work.read, client_id, since=recent).items():
        counts[day_of(hour)] = counts.get(day_of(hour), 0) + n
    return AppUsage(charts.sum_chart(SPAN.unit, over, counts), count_rejected(work, client_id, most=MOST_REJECTED))
