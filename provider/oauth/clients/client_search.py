"""The operators' search for clients: by the beginning of the name, or all of them sorted by name."""

from provider.database.types import search_key
from provider.oauth.clients.clients import Client, client_of
from provider.oauth.clients.store import clients as store
from provider.work import UnitOfWork

Place = tuple[str, str]
"""The place where a page ends: (search key of the name, client_id)."""


def find_page(
    work: UnitOfWork, text: str, *, after: Place | None = None, limit: int = 100
) -> tuple[list[Client], Place | None]:
    """Return a page of clients without their secrets, and the place where the next page begins, or None."""
    found = store.find_named(work.read, search_key(text), after=after, limit=limit + 1)
    shown = found[:limit]
    further = (shown[-1][0], shown[-1][1].client_id) if len(found) > limit else None
    return [client_of(row) for _, row in shown], further
