"""The daily counts of the overview: summed up from the hourly ones, and the users of each day."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from provider.accounts.store.users import users
from provider.audit import active_users, daily, hourly
from provider.audit.active_users import day_of
from provider.observability import counters
from provider.work import Installation, unit_of_work
from provider.worker.jobs import purge
from provider.worker.summary import summarize
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work

pytestmark = pytest.mark.also_on_postgresql

SHOP, WIKI = f"{counters.APP}shop", f"{counters.APP}https://wiki.example.test/a/long/client_id/from/elsewhere"


@pytest.fixture(autouse=True)
def nothing_counted_before(clock: Clock) -> None:
    counters.take()
    counters.take_active()
    clock.now = clock.now.replace(hour=10)


def add(installation: Installation, at: datetime, **counts: int) -> None:
    with unit_of_work(installation) as work:
        for name, count in counts.items():
            hourly.add(work.db, hourly.hour_of(at), name, count)


def found(work: Work, *names: str) -> dict[tuple[int, str], int]:
    """{(days ago, name): count}."""
    with work() as w:
        today = day_of(w.now)
        rows = daily.find(w.read, names, since=today - daily.KEPT_FOR)
        return {((today - day).days, name): count for (day, name), count in rows.items()}


def test_a_day_is_the_sum_of_its_hours_however_often_it_is_summed_up(
    installation: Installation, work: Work, clock: Clock
) -> None:
    add(installation, clock(), **{counters.SIGNED_IN: 3, SHOP: 2, WIKI: 1})
    add(installation, clock() - timedelta(hours=9), **{counters.SIGNED_IN: 4, SHOP: 5})
    add(installation, clock() - timedelta(hours=11), **{counters.SIGNED_IN: 10})
    add(installation, clock() - timedelta(days=20), **{counters.SIGNED_IN: 100, SHOP: 50})
    token = counters.tokens_of_app("x" * 128, "client_credentials")
    add(installation, clock(), **{token: 2})
    add(installation, clock() - timedelta(hours=9), **{token: 3})
    expected = {(0, counters.SIGNED_IN): 7, (1, counters.SIGNED_IN): 10, (20, counters.SIGNED_IN): 100}
    for _ in range(2):
        summarize(installation)
        assert found(work, counters.SIGNED_IN) == expected
        assert found(work, token) == {(0, token): 5}
    with work() as w:
        today = day_of(w.now)
        tomorrow = today + daily.DAY
        assert daily.sum_by_app(w.read, since=today, until=tomorrow, limit=9) == [
            ("shop", 7),
            (WIKI.removeprefix("app:"), 1),
        ]
        assert daily.sum_by_app(w.read, since=today - timedelta(days=30), until=tomorrow, limit=1) == [("shop", 57)]
        assert hourly.sum_by_app(w.read, since=w.now - timedelta(hours=1), limit=9) == [
            ("shop", 2),
            (WIKI.removeprefix("app:"), 1),
        ]


def test_a_year_of_an_app_is_the_sum_of_its_months_when_its_days_are_gone(
    installation: Installation, work: Work, clock: Clock
) -> None:
    """Each day has one sign-in to the shop."""
    begun = day_of(clock())
    for _ in range(5):
        with work() as w:
            for number in range(25):
                hourly.add(w.db, hourly.hour_of(w.now + timedelta(days=number)), SHOP, 1)
        clock.advance(timedelta(days=25))
        summarize(installation)
    purge(installation)
    today = day_of(clock())
    with work() as w:
        kept = w.read.scalar(select(func.count()).where(daily.daily_counts.c.name == SHOP))
        assert kept is not None
        assert 62 < kept < 75, "of 125"
        first = (begun + timedelta(days=31)).replace(day=1)
        for since, until in ((first, today), (today - timedelta(days=40), today - timedelta(days=2))):
            assert daily.sum_by_app(w.read, since=since, until=until, limit=9) == [("shop", (until - since).days)]


@pytest.mark.both_databases
def test_what_is_counted_after_a_day_was_summed_up_is_in_the_next_sum(
    installation: Installation, work: Work, clock: Clock
) -> None:
    """A process saves the counts of the day's last minute after midnight, or while the days are summed up."""
    add(installation, clock(), **{counters.SIGNED_IN: 3})
    summarize(installation)
    evening = clock()
    clock.advance(timedelta(days=1))
    add(installation, evening, **{counters.SIGNED_IN: 1})
    summarize(installation)
    assert found(work, counters.SIGNED_IN) == {(1, counters.SIGNED_IN): 4}


def test_a_worker_that_was_away_for_days_leaves_no_gap(installation: Installation, work: Work, clock: Clock) -> None:
    summarize(installation)
    with work() as w:
        make_user(w)
    for _ in range(4):
        add(installation, clock(), **{counters.SIGNED_IN: 2})
        clock.advance(timedelta(days=1))
    summarize(installation)
    assert found(work, counters.SIGNED_IN) == {(ago, counters.SIGNED_IN): 2 for ago in (1, 2, 3, 4)}
    assert {key: count for key, count in found(work, daily.NEW_USERS).items() if key[0] < 5} == {
        (ago, daily.NEW_USERS): int(ago == 4) for ago in range(5)
    }


def test_a_job_that_was_killed_between_two_steps_is_repeated(
    installation: Installation, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(installation, clock(), **{counters.SIGNED_IN: 3})
    put = daily.put
    for steps in range(6):
        left = iter(range(steps))

        def put_until_killed(*given: object, left: "object" = left) -> None:
            next(left)  # type: ignore[call-overload]  # raises after so many
            put(*given)  # type: ignore[arg-type]

        with monkeypatch.context() as killed:
            killed.setattr(daily, "put", put_until_killed)
            with pytest.raises((StopIteration, RuntimeError)):
                summarize(installation)
    summarize(installation)
    assert found(work, counters.SIGNED_IN) == {(0, counters.SIGNED_IN): 3}
    assert len(found(work, daily.NEW_USERS)) == 400


def test_deleting_old_hours_changes_no_day(installation: Installation, work: Work, clock: Clock) -> None:
    add(installation, clock(), **{counters.SIGNED_IN: 3})
    add(installation, clock() - timedelta(hours=9), **{counters.SIGNED_IN: 4, SHOP: 1})
    summarize(installation)
    clock.advance(hourly.KEPT_FOR - timedelta(hours=5))
    purge(installation)
    summarize(installation)
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(hourly.hourly_counts)) == 1
    assert found(work, counters.SIGNED_IN, SHOP) == {(30, counters.SIGNED_IN): 7, (30, SHOP): 1}
    clock.advance(daily.KEPT_FOR)
    assert purge(installation)["daily counts"] > 400
    assert found(work, counters.SIGNED_IN, SHOP) == {}


def together(*tasks: Callable[[], object]) -> None:
    """Run the tasks at the same moment, each in a thread with a connection of its own."""
    line, failed = threading.Barrier(len(tasks)), list[BaseException]()

    def run(task: Callable[[], object]) -> None:
        line.wait()
        try:
            task()
        except BaseException as error:  # it is raised below
            failed.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.both_databases
def test_flushes_and_summaries_at_the_same_moment_count_nothing_twice_and_lose_nothing(
    installation: Installation, work: Work
) -> None:
    def flush() -> None:
        for _ in range(10):
            counters.count(counters.SIGNED_IN)
            counters.count(SHOP)
            hourly.flush(installation)

    def sum_up() -> None:
        for _ in range(5):
            with unit_of_work(installation) as w:
                daily.roll_up(w)

    together(flush, sum_up, flush, sum_up)
    sum_up()
    assert found(work, counters.SIGNED_IN, SHOP) == {(0, counters.SIGNED_IN): 20, (0, SHOP): 20}


@pytest.mark.both_databases
def test_a_user_is_active_once_a_day_also_for_several_processes(
    installation: Installation, work: Work, clock: Clock
) -> None:
    with work() as w:
        people = [make_user(w, f"user{number}@example.test") for number in range(12)]
    firsts: list[int] = []

    def mark(some: list[str]) -> None:
        with unit_of_work(installation) as w:
            firsts.append(active_users.mark(w, some))

    together(lambda: mark(people), lambda: mark(people[::-1]), lambda: mark(people[:6]))
    assert sum(firsts) == 12
    mark(people)
    assert sum(firsts) == 12
    clock.advance(timedelta(days=1))
    mark(people[:5])
    assert sum(firsts) == 17
    with work() as w:
        assert active_users.count(w.read, since=day_of(w.now)) == 5
        assert active_users.count(w.read, since=day_of(w.now) - timedelta(days=1)) == 12


@pytest.mark.both_databases
def test_a_user_who_was_deleted_meanwhile_is_not_counted(installation: Installation, work: Work) -> None:
    with work() as w:
        ada, bob = make_user(w), make_user(w, "bob@example.test")
    counters.mark_active(ada)
    counters.mark_active(bob)
    hourly.flush(installation)
    with work() as w:
        w.db.execute(users.delete().where(users.c.id == ada))
    counters.mark_active(ada)
    hourly.flush(installation)
    with work() as w:
        assert list(w.read.scalars(select(active_users.active_users.c.user_id))) == [bob]


def test_the_users_of_each_day_are_counted(installation: Installation, work: Work, clock: Clock) -> None:
    with work() as w:
        for number in range(5):
            made = make_user(w, f"user{number}@example.test")
            at = clock() - timedelta(days=(0, 0, 1, 40, 399)[number])
            w.db.execute(update(users).where(users.c.id == made).values(created_at=at))
        active_users.mark(w, [made])
    summarize(installation)
    new = {ago: count for (ago, _), count in found(work, daily.NEW_USERS).items() if count}
    assert new == {0: 2, 1: 1, 40: 1, 399: 1}
    names = (daily.TOTAL_USERS, daily.TWO_FACTOR_USERS, *daily.ACTIVE_IN)
    assert [found(work, name) for name in names] == [
        {(0, name): count} for name, count in zip(names, (5, 0, 1, 1, 1), strict=True)
    ]
