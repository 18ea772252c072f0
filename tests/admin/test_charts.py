"""The numbers of the charts, as properties of all counts (tests of pure functions)."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from provider.operators.overview.charts import (
    HEIGHT,
    SPANS,
    WIDTH,
    Span,
    Unit,
    mean_chart,
    parts,
    periods,
    round_up,
    sum_chart,
)

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # given a zone
NUMBERS = st.integers(0, 10**9)
SPAN = st.sampled_from(list(SPANS.values()))


@given(MOMENTS)
def test_periods_follow_each_other_and_the_last_one_contains_now(now: datetime) -> None:
    for each in SPANS.values():
        over = periods(each, now)
        assert len(over) == each.bars
        assert all(one.end == other.start for one, other in itertools.pairwise(over))
        assert over[-1].start <= now < over[-1].end
        expected = {Unit.HOUR: {1}, Unit.DAY: {24}, Unit.MONTH: {hours * 24 for hours in (28, 29, 30, 31)}}[each.unit]
        assert {(one.end - one.start) // timedelta(hours=1) for one in over} <= expected
        assert all(one.start <= one.last_day < one.end or each.unit is Unit.HOUR for one in over)


@given(SPAN, MOMENTS, st.data())
def test_a_chart_shows_every_count_of_its_time_once_and_stays_in_its_frame(
    span: Span, now: datetime, data: st.DataObject
) -> None:
    over = periods(span, now)
    step = timedelta(hours=1) if span.unit is Unit.HOUR else timedelta(days=1)
    total = (over[-1].end - over[0].start) // step
    places = st.dictionaries(st.integers(-5, total + 5), NUMBERS, max_size=20)
    good, bad = ({over[0].start + at * step: n for at, n in data.draw(places).items()} for _ in "12")
    chart = sum_chart(span.unit, over, good, bad)
    inside = [sum(n for at, n in counts.items() if over[0].start <= at < over[-1].end) for counts in (good, bad)]
    assert [chart.good, chart.bad] == inside == [sum(b.good for b in chart.bars), sum(b.bad for b in chart.bars)]
    assert chart.highest == max(bar.good + bar.bad for bar in chart.bars) <= chart.top
    for bar in chart.bars:
        assert 0 <= bar.x < bar.x + bar.width <= WIDTH
        assert -0.02 <= bar.failure_y <= bar.success_y <= HEIGHT
        assert (bar.success_height > 0.02) >= (bar.good > chart.top / 1000)


@given(MOMENTS, st.dictionaries(st.integers(0, 364), NUMBERS, max_size=40))
def test_the_mean_of_a_month_is_that_of_the_days_that_have_a_count(now: datetime, counts: dict[int, int]) -> None:
    over = periods(SPANS["12m"], now)
    days = {over[0].start + timedelta(days=at): n for at, n in counts.items()}
    for bar in mean_chart(Unit.MONTH, over, days).bars:
        of_month = [n for day, n in days.items() if bar.period.start <= day < bar.period.end]
        assert bar.good == (round(sum(of_month) / len(of_month)) if of_month else 0)


@given(NUMBERS)
def test_the_upper_edge_is_a_round_even_number_and_not_far_above(highest: int) -> None:
    top = round_up(highest)
    assert highest <= top <= max(2, 2 * highest)
    assert top % 2 == 0
    assert str(top).rstrip("0") in {"2", "4", "6", "8", "1"}


@given(st.dictionaries(st.text(max_size=3), NUMBERS, max_size=9))
def test_parts_are_sorted_and_the_largest_is_full(counts: dict[str, int]) -> None:
    found = parts(list(counts.items()))
    assert {part.key: part.count for part in found} == {name: n for name, n in counts.items() if n}
    assert [part.count for part in found] == sorted((part.count for part in found), reverse=True)
    assert all(0 <= part.share <= 100 for part in found)
    assert not found or found[0].share == 100
