"""The audit log as operators search it: filtered, page by page, or complete for an export."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from provider.accounts.users import find_user
from provider.audit import store
from provider.audit.events import names_of
from provider.audit.store import AuditEvent
from provider.database.base import parse_id
from provider.work import Installation, UnitOfWork, unit_of_work

AT_ONCE = 500
"""How many events of an export are read in one transaction."""

Place = tuple[datetime, str]
"""The place where a page ends: `at` and `id` of its last event."""


@dataclass(frozen=True)
class Filters:
    user_id: str | None = None
    client_id: str | None = None
    names: list[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def find_nothing(self) -> bool:
        """Whether the filters name a user or event that does not exist, so that nothing can match."""
        return self.user_id == "" or self.names == []


def filters(
    work: UnitOfWork,
    *,
    user: str | None = None,
    client: str | None = None,
    name: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Filters:
    """Build the filters of a search. `user` is a user id (also of a deleted user) or an email address; `name` is an
    event or a group of events (`account.*`).
    """
    return Filters(
        user_id=None if user is None else parse_id(user) or _owner(work, user),
        client_id=client,
        names=None if name is None else names_of(name),
        since=since,
        until=until,
    )


def _owner(work: UnitOfWork, address: str) -> str:
    found = find_user(work, address)
    return "" if found is None else found.id


def find_page(
    work: UnitOfWork, wanted: Filters, *, after: Place | None, limit: int
) -> tuple[list[AuditEvent], Place | None]:
    """Return one page of matching events, the newest first, and the place where the next page begins (None after the
    last page).
    """
    found = [] if wanted.find_nothing else store.find(work.read, **vars(wanted), after=after, limit=limit + 1)
    shown = found[:limit]
    return shown, (shown[-1].at, shown[-1].id) if len(found) > limit else None


def every(installation: Installation, wanted: Filters) -> Iterator[AuditEvent]:
    """Yield all matching events, the newest first. They are read a few hundred at a time, each in a short transaction,
    so a slow reader blocks nothing.
    """
    after: Place | None = None
    while True:
        with unit_of_work(installation) as work:
            page, after = find_page(work, wanted, after=after, limit=AT_ONCE)
        yield from page
        if after is None:
            return
