"""The security stamp of an account: a value that changes whenever access to the account ends.

Sessions and grants keep the stamp of the account from when they began, and are active while it is the same. Nodes whose
clocks differ agree on that, because only equality counts. The stored value is `users.not_before`, which earlier
releases compare with times. While one of them runs beside this one, a user may have to sign in once more.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, literal

from provider.database.types import UtcTime

FIRST = datetime.fromtimestamp(0, UTC)
"""The stamp of an account whose access never ended."""


def stamp_of(not_before: datetime | None) -> datetime:
    """Return the stamp of an account with this `users.not_before`."""
    return FIRST if not_before is None else not_before


def next_not_before(not_before: datetime | None, *, now: datetime) -> datetime:
    """Return a `users.not_before` that the account never had: `now`, or just after the stored one if that is later."""
    return now if not_before is None else max(now, not_before + timedelta(microseconds=1))


def stamp_column(not_before: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Return `stamp_of` as SQL."""
    return func.coalesce(not_before, literal(FIRST, UtcTime()))


def has_same_stamp(
    stamp: ColumnElement[datetime], not_before: ColumnElement[datetime], *, otherwise: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the condition for rows that began since access to their account last ended.

    `stamp` is the stamp that the row keeps. Rows of earlier releases have none: for them `otherwise` compares times.
    """
    return func.coalesce(stamp == stamp_column(not_before), otherwise)
