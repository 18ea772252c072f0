"""The small charts of the overview page, as the numbers that an inline SVG needs. All functions are pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOURS = 24
WIDTH, HEIGHT = 288, 72
STEP = WIDTH / HOURS


@dataclass(frozen=True)
class Bar:
    """One hour: successes from the bottom up, failures on top of them."""

    x: float
    hour: datetime
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
    bars: Sequence[Bar]
    good: int
    bad: int
    highest: int
    """The largest count of one hour, which the full height represents."""


def by_hour(counts: Mapping[tuple[datetime, str], int], *, good: str, bad: str, until: datetime) -> Chart:
    """Build the chart of the last HOURS hours, ending with the hour `until`. `good` and `bad` name the two counters
    shown for each hour.
    """
    hours = [until - timedelta(hours=ago) for ago in reversed(range(HOURS))]
    pairs = [(hour, counts.get((hour, good), 0), counts.get((hour, bad), 0)) for hour in hours]
    highest = max((well + badly for _, well, badly in pairs), default=0)
    scale = HEIGHT / highest if highest else 0.0
    bars = [
        Bar(round(place * STEP, 1), hour, well, badly, round(well * scale, 1), round(badly * scale, 1))
        for place, (hour, well, badly) in enumerate(pairs)
    ]
    return Chart(bars, sum(well for _, well, _ in pairs), sum(badly for _, _, badly in pairs), highest)
