"""The audit log as operators search it: filtered, page by page, or complete for an export."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from provider.accounts.users import find_user
from provider.audit import store
from provider.audit.events import names_of
from provider.audit.store import AuditEvent
from provider.database.base import parse_id
from provider.oauth.clients.clients import find_client
from provider.operator_names import OperatorName
from provider.replica_reads import from_replica
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
    operator: str | None = None
    network: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def find_nothing(self) -> bool:
        """Whether the filters name a user or event that does not exist, so that nothing can match."""
        return self.user_id == "" or self.operator == "" or self.names == []


def filters(
    work: UnitOfWork,
    *,
    user: str | None = None,
    client: str | None = None,
    name: str | None = None,
    names: Collection[str] = (),
    operator: str | None = None,
    network: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Filters:
    """Build the filters of a search.

    `user` is a user id (also of a deleted user) or an email address, and so is `operator`, or a client_id. `name` and
    each of `names` are an event or a group of events (`account.*`): those of all of them are found.
    """
    asked = [*names, *filter(None, [name])]
    return Filters(
        user_id=None if user is None else parse_id(user) or _owner(work, user),
        client_id=client,
        names=list(dict.fromkeys(found for one in asked for found in names_of(one))) if asked else None,
        operator=None if operator is None else _operator(work, operator),
        network=network,
        since=since,
        until=until,
    )


def _operator(work: UnitOfWork, text: str) -> str:
    """Return an operator as the details of events name one; "" if there is none."""
    user_id = parse_id(text) or _owner(work, text)
    if user_id:
        return str(OperatorName.user(user_id))
    return str(OperatorName.client(text)) if find_client(work, text) else ""


def _owner(work: UnitOfWork, address: str) -> str:
    found = find_user(work, address)
    return "" if found is None else found.id


def find_newer(work: UnitOfWork, wanted: Filters, *, than: Place, limit: int) -> list[AuditEvent]:
    """Return the latest of the matching events that are newer than a place, the newest first."""
    return [] if wanted.find_nothing else store.find(work.read, **vars(wanted), newer_than=than, limit=limit)


def find_page(
    work: UnitOfWork, wanted: Filters, *, after: Place | None, limit: int
) -> tuple[list[AuditEvent], Place | None]:
    """Return one page of matching events, the newest first, and the place where the next page begins (None after the
    last page).
    """
    found = [] if wanted.find_nothing else store.find(work.read, **vars(wanted), after=after, limit=limit + 1)
    shown = found[:limit]
    return shown, (shown[-1].at, shown[-1].id) if len(found) > limit else None


def search(
    work: UnitOfWork, wanted: Filters, *, after: Place | None, limit: int
) -> tuple[list[AuditEvent], Place | None]:
    """Return what `find_page` does, from the replica if there is one: the latest events may be missing."""
    return from_replica(work, lambda: find_page(work, wanted, after=after, limit=limit))


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
