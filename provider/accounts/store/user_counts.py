"""How many users there are, for the operators' overview."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, func, not_, select

from provider.accounts.factors.store.totp import totp_credentials
from provider.accounts.factors.store.two_factor_choices import two_factor_choices
from provider.accounts.store.users import users


def count_users(db: Connection, *, limit: int | None = None) -> int:
    """Return the number of users; with a limit, at most that. A million takes a tenth of a second."""
    return _count(db, select(users.c.id).limit(limit))


def count_two_factor(db: Connection, *, limit: int | None = None) -> int:
    """Return the number of users who turned two-factor authentication on; with a limit, at most that."""
    chosen = select(two_factor_choices.c.user_id)
    return _count(db, select(select(totp_credentials.c.user_id).union(chosen).subquery().c.user_id).limit(limit))


def count_created(
    db: Connection, spans: Sequence[tuple[datetime, datetime]], *, but: tuple[str, str] | None = None
) -> list[int]:
    """Return how many users were created in each span, from its first moment up to but not including its second.

    Those whose ids are in the range `but` are left out.
    """
    if not spans:
        return []
    count = select(func.count()).select_from(users)
    if but is not None:
        count = count.where(not_(users.c.id.between(*but)))
    each = [
        count.where(users.c.created_at >= start, users.c.created_at < end).scalar_subquery() for start, end in spans
    ]
    return [int(number) for number in db.execute(select(*each)).one()]


def _count(db: Connection, rows: Select[tuple[str]]) -> int:
    return db.scalar(select(func.count()).select_from(rows.subquery())) or 0
