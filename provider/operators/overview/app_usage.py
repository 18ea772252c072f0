"""The usage of one application: its sign-ins and its token requests by day, and how many requests were rejected."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from provider.audit import daily, hourly
from provider.audit.active_users import day_of
from provider.oauth.explanations import count_rejected
from provider.oauth.grants.grant_types import GRANTS
from provider.observability import counters
from provider.operators.overview import charts
from provider.operators.overview.charts import DAY, Chart, Part
from provider.work import UnitOfWork

SPAN = charts.SPANS["30d"]
MOST_REJECTED = 1000


@dataclass(frozen=True)
class AppUsage:
    sign_ins: Chart
    """The sign-ins of each of the last 30 days."""
    tokens: Chart
    """The token requests of each of the last 30 days that tokens were issued for."""
    grants: list[Part]
    """These token requests by grant type."""
    rejected: int
    """The rejected requests that are still stored, up to MOST_REJECTED."""


def find_usage(work: UnitOfWork, client_id: str) -> AppUsage:
    """Return the usage of an application. What it reads does not grow with the number of its users."""
    over = charts.periods(SPAN, work.now)
    recent, sign_ins = day_of(work.now) - DAY, counters.APP + client_id
    tokens = {counters.tokens_of_app(client_id, grant): grant for grant in GRANTS}
    # The days since yesterday may not be summed up yet.
    found = daily.find(work.read, [sign_ins, *tokens], since=over[0].start)
    summed_up = [(day, name, number) for (day, name), number in found.items() if day < recent]
    by_hour = [(hour, sign_ins, n) for hour, n in hourly.find_of_app(work.read, client_id, since=recent).items()]
    issued = hourly.find_tokens_of_app(work.read, client_id, since=recent)
    by_hour += [(hour, counters.tokens_of_app(client_id, grant), n) for (hour, grant), n in issued.items()]
    counts = [*summed_up, *by_hour]
    by_grant = [(grant, sum(number for _, each, number in counts if each == name)) for name, grant in tokens.items()]
    return AppUsage(
        charts.sum_chart(SPAN.unit, over, _by_day(counts, {sign_ins})),
        charts.sum_chart(SPAN.unit, over, _by_day(counts, tokens.keys())),
        charts.parts(by_grant),
        count_rejected(work, client_id, most=MOST_REJECTED),
    )


def _by_day(counts: Iterable[tuple[datetime, str, int]], names: Iterable[str]) -> dict[datetime, int]:
    wanted, days = set(names), dict[datetime, int]()
    for at, name, number in counts:
        if name in wanted:
            days[day_of(at)] = days.get(day_of(at), 0) + number
    return days
