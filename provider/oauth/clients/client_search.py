"""How operators find clients: by the beginning of the name; and all of them, in the order of names."""

from provider.database.types import search_key
from provider.oauth.clients.clients import Client, client_of
from provider.oauth.clients.store import clients as store
from provider.work import UnitOfWork

Place = tuple[str, str]
"""Where a page ends: the name as it is searched, and the client_id."""


def find_page(
    work: UnitOfWork, text: str, *, after: Place | None = None, limit: int = 100
) -> tuple[list[Client], Place | None]:
    """Without their secrets. And where the next page begins."""
    found = store.find_named(work.read, search_key(text), after=after, limit=limit + 1)
    shown = found[:limit]
    further = (shown[-1][0], shown[-1][1].client_id) if len(found) > limit else None
    return [client_of(row) for _, row in shown], further
