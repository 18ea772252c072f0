"""The charts of the overview page, as the numbers that an inline SVG needs. All functions are pure."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WIDTH, HEIGHT = 360, 96
"""The size of a chart in its own units. Pages stretch it to the room there is."""
DAY = timedelta(days=1)
Counts = Mapping[datetime, int]
"""Counts of one name, by the beginning of their hour or day."""
NONE: Counts = {}


class Unit(StrEnum):
    """The time that one bar of a chart is about."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class Span:
    """A time that charts can show: the number of bars, and what each is about."""

    name: str
    unit: Unit
    bars: int


SPANS = {
    span.name: span
    for span in (
        Span("24h", Unit.HOUR, 24),
        Span("7d", Unit.DAY, 7),
        Span("30d", Unit.DAY, 30),
        Span("12m", Unit.MONTH, 12),
    )
}


@dataclass(frozen=True)
class Period:
    """The time that one bar is about: from its start up to, but not including, its end."""

    start: datetime
    end: datetime

    @property
    def last_day(self) -> datetime:
        """The midnight of its last day."""
        return (self.end - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def periods(span: Span, now: datetime) -> list[Period]:
    """Return the periods of a chart that ends with the hour, day or month of `now`, in UTC."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    if span.unit is Unit.HOUR:
        starts = [hour - timedelta(hours=ago) for ago in reversed(range(-1, span.bars))]
    elif span.unit is Unit.DAY:
        starts = [hour.replace(hour=0) - ago * DAY for ago in reversed(range(-1, span.bars))]
    else:
        month = hour.replace(day=1, hour=0)
        starts = [_months_before(month, ago) for ago in reversed(range(-1, span.bars))]
    return [Period(start, end) for start, end in itertools.pairwise(starts)]


def _months_before(month: datetime, ago: int) -> datetime:
    years, index = divmod(month.year * 12 + month.month - 1 - ago, 12)
    return month.replace(year=years, month=index + 1)


@dataclass(frozen=True)
class Bar:
    """One period: successes from the bottom up, failures on top of them."""

    period: Period
    x: float
    width: float
    good: int
    bad: int
    success_height: float
    failure_height: float

    @property
    def success_y(self) -> float:
        return HEIGHT - self.success_height

    @property
    def failure_y(self) -> float:
        return self.success_y - self.failure_height


@dataclass(frozen=True)
class Chart:
    unit: Unit
    bars: Sequence[Bar]
    good: int
    bad: int
    highest: int
    """The largest count of one period."""
    top: int
    """The count at the upper edge: a round, even number of at least `highest`."""


def sum_chart(unit: Unit, over: Sequence[Period], good: Counts, bad: Counts = NONE) -> Chart:
    """Build a chart of the sums in each of these periods: of what went well, and of what did not."""
    return _chart(unit, [(period, sum(_within(period, good)), sum(_within(period, bad))) for period in over])


def mean_chart(unit: Unit, over: Sequence[Period], counts: Counts) -> Chart:
    """Build a chart of the mean of the days in each of these periods that have a count."""
    found = [(period, _within(period, counts)) for period in over]
    return _chart(unit, [(period, round(sum(days) / len(days)) if days else 0, 0) for period, days in found])


def _within(period: Period, counts: Counts) -> list[int]:
    return [count for at, count in counts.items() if period.start <= at < period.end]


def _chart(unit: Unit, rows: Sequence[tuple[Period, int, int]]) -> Chart:
    highest = max((well + badly for _, well, badly in rows), default=0)
    top, step = round_up(highest), WIDTH / max(1, len(rows))
    bars = [
        Bar(
            period=period,
            x=round(place * step, 2),
            width=round(step * 0.8, 2),
            good=well,
            bad=badly,
            success_height=round(HEIGHT * well / top, 2),
            failure_height=round(HEIGHT * badly / top, 2),
        )
        for place, (period, well, badly) in enumerate(rows)
    ]
    return Chart(unit, bars, sum(well for _, well, _ in rows), sum(badly for _, _, badly in rows), highest, top)


def round_up(highest: int) -> int:
    """Return the smallest of 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, ... that is at least `highest`."""
    step = 1
    while True:
        for digit in (2, 4, 6, 8, 10):
            if digit * step >= highest:
                return digit * step
        step *= 10


@dataclass(frozen=True)
class Part:
    """A part of a total in a list of the largest parts. `share` is in percent of the largest one."""

    key: str
    count: int
    share: float


def parts(counts: Sequence[tuple[str, int]]) -> list[Part]:
    """Return the parts of a total, the largest first."""
    ordered = sorted(((key, count) for key, count in counts if count), key=lambda part: (-part[1], part[0]))
    return [Part(key, count, round(100 * count / ordered[0][1], 1)) for key, count in ordered]
