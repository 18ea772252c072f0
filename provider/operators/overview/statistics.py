"""The numbers of the overview page: users, sign-ins, token requests and emails over a span of time.

The largest installations are counted by the worker once an hour (`worker.summary`). Smaller ones are counted when the
page is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from provider.accounts.store.user_counts import count_created, count_two_factor, count_users
from provider.audit import active_users, daily, hourly
from provider.audit.active_users import day_of
from provider.audit.daily import ACTIVE_IN, NEW_USERS, TOTAL_USERS, TWO_FACTOR_USERS
from provider.oauth.clients.store import clients
from provider.oauth.grants.grant_types import GRANTS
from provider.observability import counters
from provider.operators.overview import charts
from provider.operators.overview.charts import DAY, Chart, Counts, Part, Span, Unit
from provider.runtime.throw_away import THROW_AWAY_USERS
from provider.work import UnitOfWork

COUNTED_NOW = 10_000
"""Up to this number users are counted when the page is shown."""
MOST_APPS = 8
"""The number of apps in the list of those with the most sign-ins."""
ACTIVE_DAYS = {"24h": 1, "7d": 7, "30d": 30, "12m": 365}
"""The number of days, including today, over which active users are counted."""
GRANT_NAMES = {counters.GRANT + counters.short_grant(grant): grant for grant in GRANTS}
"""The grant type by the name of its counter."""
NAMES = (
    counters.SIGNED_IN,
    counters.SIGN_IN_REFUSED,
    counters.TOKENS_ISSUED,
    counters.TOKENS_REFUSED,
    counters.MAIL_SENT,
    counters.MAIL_FAILED,
    counters.ACTIVE_USERS,
    NEW_USERS,
    *GRANT_NAMES,
)

_By_name = Mapping[str, Counts]


@dataclass(frozen=True)
class AppPart:
    """An app and its sign-ins. `name` is None if the app was deleted."""

    client_id: str
    name: str | None
    count: int
    share: float


@dataclass(frozen=True)
class Statistics:
    span: Span
    since: datetime
    """The beginning of the first period."""
    total_users: int | None
    """None if it is more than COUNTED_NOW and was not counted yet."""
    two_factor_users: int | None
    active_users: int | None
    """The number of different users who were active in the span; in the shortest one, today (UTC)."""
    active_since: datetime
    """The first day that `active_users` is about."""
    active: Chart
    """Active users of each day; in the shortest span, of the last week."""
    new: Chart
    sign_ins: Chart
    tokens: Chart
    emails: Chart
    grants: list[Part]
    apps: list[AppPart]

    @property
    def two_factor_share(self) -> float | None:
        """The part of users with two-factor authentication, in percent."""
        if not self.total_users or self.two_factor_users is None:
            return None
        return round(100 * self.two_factor_users / self.total_users, 1)


def collect(work: UnitOfWork, span: Span) -> Statistics:
    """Return the numbers of a span that ends now. What it reads does not grow with the number of users or events."""
    over = charts.periods(span, work.now)
    since = over[0].start
    counts = _hourly(work, since) if span.unit is Unit.HOUR else _daily(work, since)
    week = charts.SPANS["7d"]
    days = _daily(work, charts.periods(week, work.now)[0].start) if span.unit is Unit.HOUR else counts

    def of(name: str) -> Counts:
        return counts.get(name, charts.NONE)

    def sum_of(good: str, bad: str = "") -> Chart:
        return charts.sum_chart(span.unit, over, of(good), of(bad))

    active_since = day_of(work.now) - timedelta(days=ACTIVE_DAYS[span.name] - 1)
    active = days.get(counters.ACTIVE_USERS, charts.NONE)
    if span.unit is Unit.HOUR:
        active_chart = charts.mean_chart(week.unit, charts.periods(week, work.now), active)
    else:
        active_chart = charts.mean_chart(span.unit, over, active)
    return Statistics(
        span=span,
        since=since,
        total_users=_capped(work, TOTAL_USERS, count_users(work.read, limit=COUNTED_NOW + 1)),
        two_factor_users=_capped(work, TWO_FACTOR_USERS, count_two_factor(work.read, limit=COUNTED_NOW + 1)),
        active_users=_active(work, span, active_since),
        active_since=active_since,
        active=active_chart,
        new=sum_of(NEW_USERS),
        sign_ins=sum_of(counters.SIGNED_IN, counters.SIGN_IN_REFUSED),
        tokens=sum_of(counters.TOKENS_ISSUED, counters.TOKENS_REFUSED),
        emails=sum_of(counters.MAIL_SENT, counters.MAIL_FAILED),
        grants=charts.parts([(grant, sum(of(name).values())) for name, grant in GRANT_NAMES.items()]),
        apps=_apps(work, span, since),
    )


def _hourly(work: UnitOfWork, since: datetime) -> _By_name:
    hours = [period for period in charts.periods(charts.SPANS["24h"], work.now) if period.start >= since]
    new = count_created(work.read, [(hour.start, hour.end) for hour in hours], but=THROW_AWAY_USERS)
    found = _by_name(hourly.find(work.read, since=since))
    return {**found, NEW_USERS: dict(zip([hour.start for hour in hours], new, strict=True))}


def _daily(work: UnitOfWork, since: datetime) -> _By_name:
    """Return the counts by day. Those of yesterday and today may not be summed up yet: they come from the hours."""
    recent = day_of(work.now) - DAY
    days = [recent, recent + DAY]
    found = {key: count for key, count in daily.find(work.read, NAMES, since=since).items() if key[0] < recent}
    for (hour, name), count in hourly.find(work.read, since=recent).items():
        key = (day_of(hour), name)
        found[key] = found.get(key, 0) + count
    new = count_created(work.read, [(day, day + DAY) for day in days], but=THROW_AWAY_USERS)
    found |= {(day, NEW_USERS): count for day, count in zip(days, new, strict=True)}
    return _by_name(found)


def _by_name(counts: Mapping[tuple[datetime, str], int]) -> _By_name:
    found: dict[str, dict[datetime, int]] = {}
    for (at, name), count in counts.items():
        found.setdefault(name, {})[at] = count
    return found


def _active(work: UnitOfWork, span: Span, since: datetime) -> int | None:
    name = next((name for name, days in ACTIVE_IN.items() if days == ACTIVE_DAYS[span.name]), None)
    return _capped(work, name, active_users.count(work.read, since=since, limit=COUNTED_NOW + 1))


def _capped(work: UnitOfWork, name: str | None, count: int) -> int | None:
    """Return the count, or what the worker counted last under this name if it is too large to be counted here."""
    if count <= COUNTED_NOW:
        return count
    last = None if name is None else daily.find_last(work.read, name)
    return None if last is None else last[1]


def _apps(work: UnitOfWork, span: Span, since: datetime) -> list[AppPart]:
    recent = day_of(work.now) - DAY
    found = dict(hourly.sum_by_app(work.read, since=max(since, recent), limit=100))
    if span.unit is not Unit.HOUR:
        for app, count in daily.sum_by_app(work.read, since=since, until=recent, limit=100):
            found[app] = found.get(app, 0) + count
    largest = charts.parts(list(found.items()))[:MOST_APPS]
    return [AppPart(part.key, _name_of(work, part.key), part.count, part.share) for part in largest]


def _name_of(work: UnitOfWork, client_id: str) -> str | None:
    client = clients.find(work.read, client_id)
    return None if client is None else client.metadata.get("client_name") or client_id
