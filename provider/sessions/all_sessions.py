"""The sessions of all users, a page at a time, and by how users signed in."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from provider.sessions.store import SESSION, IdleSince, Session, select_live, sessions


def find_active_page(
    db: Connection, *, now: datetime, idle_since: IdleSince, after: tuple[datetime, str] | None, limit: int
) -> list[Session]:
    """Return a page of all users' active sessions, the latest to expire first.

    `after` is `expires_at` and `id` of the last one of the previous page. Sessions that still need a factor are left
    out.
    """
    until, session_id = sessions.c.expires_at, sessions.c.id
    query = select_live(now, idle_since)
    if after is not None:
        query = query.where(until <= after[0], or_(until < after[0], session_id < after[1]))
    return SESSION.all(db, query.order_by(until.desc(), session_id.desc()).limit(limit))


def find_methods(db: Connection) -> list[str]:
    """Return each `amr` that sessions have, however many sessions there are: one step of an index for each."""
    each = select(func.min(sessions.c.amr).label("amr")).cte("methods", recursive=True)
    following = select(func.min(sessions.c.amr)).where(sessions.c.amr > each.c.amr).scalar_subquery()
    each = each.union_all(select(following).where(each.c.amr.is_not(None)))
    return list(db.scalars(select(each.c.amr).where(each.c.amr.is_not(None))))


def count_with(db: Connection, amrs: Collection[str], *, limit: int) -> int:
    """Count the sessions with one of these `amr`, active or not, up to `limit`."""
    some = select(sessions.c.id).where(sessions.c.amr.in_(amrs)).limit(limit).subquery()
    return db.scalar(select(func.count()).select_from(some)) or 0
