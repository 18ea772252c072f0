"""The daily counts of the operators' overview: summed up from the hourly ones, and those of users."""

from datetime import datetime, timedelta

from provider.accounts.store.user_counts import count_created, count_two_factor, count_users
from provider.audit import active_users, daily
from provider.audit.active_users import day_of
from provider.audit.daily import ACTIVE_IN, NEW_USERS, TOTAL_USERS, TWO_FACTOR_USERS
from provider.runtime.throw_away import THROW_AWAY_USERS
from provider.work import Installation, UnitOfWork, unit_of_work

DAYS_AT_ONCE = 31
"""The most days of one statement that counts new users."""


def summarize(installation: Installation) -> None:
    """Bring the daily counts up to date. It can be repeated, and interrupted: what is missing is done the next time."""
    with unit_of_work(installation) as work:
        daily.roll_up(work)
    while True:
        with unit_of_work(installation) as work:
            if not _count_new_users(work):
                break
    with unit_of_work(installation) as work:
        today = day_of(work.now)
        found = {TOTAL_USERS: count_users(work.read), TWO_FACTOR_USERS: count_two_factor(work.read)}
        for name, days in ACTIVE_IN.items():
            found[name] = active_users.count(work.read, since=today - (days - 1) * daily.DAY)
        for name, count in found.items():
            daily.put(work.db, name, today, count)


def _count_new_users(work: UnitOfWork) -> bool:
    """Count the users of the next days that are not counted yet, and today's again. Returns whether days are left."""
    today = day_of(work.now)
    last = daily.find_last(work.read, NEW_USERS)
    first = today - daily.KEPT_FOR + daily.DAY if last is None else last[0]
    days = _days(first, today)[:DAYS_AT_ONCE]
    counts = count_created(work.read, [(day, day + daily.DAY) for day in days], but=THROW_AWAY_USERS)
    for day, count in zip(days, counts, strict=True):
        daily.put(work.db, NEW_USERS, day, count)
    return bool(days) and days[-1] < today


def _days(first: datetime, last: datetime) -> list[datetime]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
