"""The audit log as operators look through it: narrowed, a page at a time, or all of it as a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from provider.accounts.registration import find_user
from provider.audit import store
from provider.audit.events import names_of
from provider.audit.store import AuditEvent
from provider.database.base import parse_id
from provider.work import Installation, UnitOfWork, unit_of_work

AT_ONCE = 500
"""Events of an export read at a time."""

Place = tuple[datetime, str]
"""Where a page ends: `at` and `id` of its last event."""


@dataclass(frozen=True)
class Filters:
    user_id: str | None = None
    client_id: str | None = None
    names: list[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def find_nothing(self) -> bool:
        """There is no such user or event, so nothing happened to it."""
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
    """`user` is an id, of somebody deleted too, or an address; `name` an event or a kind of them (`account.*`)."""
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
    """The latest first. And where the next page begins."""
    found = [] if wanted.find_nothing else store.find(work.read, **vars(wanted), after=after, limit=limit + 1)
    shown = found[:limit]
    return shown, (shown[-1].at, shown[-1].id) if len(found) > limit else None


def every(installation: Installation, wanted: Filters) -> Iterator[AuditEvent]:
    """A short look at the database for each few hundred: whoever reads slowly holds nothing up."""
    after: Place | None = None
    while True:
        with unit_of_work(installation) as work:
            page, after = find_page(work, wanted, after=after, limit=AT_ONCE)
        yield from page
        if after is None:
            return
