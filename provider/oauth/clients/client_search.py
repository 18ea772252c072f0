"""The operators' search for clients: by any part of the name, the client_id or the host of a redirect URI.

Clients whose name begins with the text come first, sorted by name. An empty text matches all of them.
"""

from provider.database.substrings import LENGTH
from provider.database.types import search_key
from provider.oauth.clients.client_index import search_text
from provider.oauth.clients.clients import Client, client_of
from provider.oauth.clients.metadata import load_metadata
from provider.oauth.clients.store import clients as store
from provider.oauth.clients.store import search_texts
from provider.work import UnitOfWork

Place = tuple[str, str]
"""The place where a page ends: (search key of the name, client_id)."""
INSIDE = " "
"""How the key of a place begins among the clients whose name does not begin with the text."""


def index_missing(work: UnitOfWork, *, after: str | None, limit: int) -> str | None:
    """Look at the next `limit` clients. Store what those are found by that an earlier release registered.

    Returns the last client that was looked at, or None if there are no more.
    """
    missing, last = search_texts.find_missing(work.read, after=after, limit=limit)
    if missing:  # otherwise SQLite's write lock is not taken
        rows = search_texts.keep_missing(work.db, missing)
        texts = {row.client_id: search_text(row.client_id, load_metadata(row.metadata)) for row in rows}
        search_texts.add_missing(work.db, texts)
    return last


def find_page(
    work: UnitOfWork, text: str, *, after: Place | None = None, limit: int = 100
) -> tuple[list[Client], Place | None]:
    """Return a page of clients without their secrets, and the place where the next page begins, or None."""
    found = _find(work, text, after=after, limit=limit + 1, page=limit)
    shown = found[:limit]
    end = (shown[-1][0], shown[-1][1].client_id) if len(found) > limit else None
    return [client_of(row) for _, row in shown], end


def find_places(work: UnitOfWork, text: str, *, after: Place | None, limit: int, page: int) -> list[Place]:
    """Return the places of clients that match `text`, as `find_page` does. `page` is how many of them it shows."""
    return [(key, row.client_id) for key, row in _find(work, text, after=after, limit=limit, page=page)]


def _find(
    work: UnitOfWork, text: str, *, after: Place | None, limit: int, page: int
) -> list[tuple[str, store.ClientRow]]:
    key = search_key(text)
    inside = after is not None and after[0].startswith(INSIDE)
    found = [] if inside else store.find_named(work.read, key, after=after, limit=limit)
    if len(found) < limit and len(key) >= LENGTH:
        last = int(after[0]) if inside and after is not None else None
        more, fit = limit - len(found), page - len(found)
        further = search_texts.find_inside(work.read, key, after=last, limit=more, page=fit)
        found += [(f"{INSIDE}{place}", row) for place, row in further]
    return found
